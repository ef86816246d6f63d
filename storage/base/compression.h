// Snappy (block format), zstd, gzip. The declared size of untrusted input is checked against
// `max_size` before anything is allocated: kLimit above it, kInvalidArgument when malformed.
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace tocsin {

std::string SnappyCompress(std::string_view data);
Result<std::string> SnappyUncompress(std::string_view data, size_t max_size);
std::string ZstdCompress(std::string_view data, int level);
Result<std::string> ZstdUncompress(std::string_view data, size_t max_size);
std::string GzipCompress(std::string_view data);
Result<std::string> GzipUncompress(std::string_view data, size_t max_size);

}  // namespace tocsin
