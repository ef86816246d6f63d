// A file that is written piece by piece: the query log, the list of running queries. What was
// written survives the process, not a power cut.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace tocsin {

// Thread-safe: each write is whole.
class PlainFile {
 public:
  virtual ~PlainFile() = default;
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status WriteAt(uint64_t offset, std::string_view bytes) = 0;

  enum class Mode { kAppend, kReplace };
  // Makes the file when it is not there, readable by its owner and group. kIo.
  static Result<std::unique_ptr<PlainFile>> Open(const std::string& path, Mode mode);
};

}  // namespace tocsin
