// Reading of configuration, rule, template, secret and discovery files. (The database reaches the
// disk through RocksDB's own Env, see storage/options.h.)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace tocsin {

// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The whole file. kNotFound, kIo; kLimit above `max_bytes`.
  virtual Result<std::string> ReadFile(const std::string& path,
                                       size_t max_bytes = 64u << 20) const = 0;

  // Paths that match a shell pattern, sorted; a pattern without wildcards gives itself when the
  // file exists. Empty when nothing matches.
  virtual std::vector<std::string> Glob(const std::string& pattern) const = 0;
};

// The real one; stateless.
FileSystem& RealFileSystem();

// `path` as seen from the folder of `base_file`; absolute paths stay.
std::string ResolvePath(std::string_view base_file, std::string_view path);

}  // namespace tocsin
