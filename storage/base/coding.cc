#include "storage/base/coding.h"

#include <xxhash.h>

namespace tocsin {

void PutOrderedVarint(std::string& out, uint64_t v) {
  int bytes = 0;
  while (bytes < 8 && (v >> (8 * bytes)) != 0) ++bytes;
  out.push_back(static_cast<char>(bytes));
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(v >> (8 * i)));
}

uint64_t ByteReader::OrderedVarint() {
  const auto bytes = Fixed<uint8_t>();
  if (bytes > 8 || remaining() < bytes) return Fail();
  if (bytes > 0 && *p_ == 0)
    return Fail();  // a shorter one says the same: there is one key a number
  uint64_t v = 0;
  for (int i = 0; i < bytes; ++i) v = (v << 8) | static_cast<uint8_t>(*p_++);
  return v;
}

uint64_t Hash64(std::string_view data, uint64_t seed) {
  return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

uint64_t XxHash64(std::string_view data) { return XXH64(data.data(), data.size(), 0); }

}  // namespace tocsin
