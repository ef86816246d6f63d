// A secret given in the configuration or in a file that is read again at each use, so that a
// rotated one is picked up.
#pragma once

#include <string>

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/config/secret.h"

namespace tocsin::alerting {

struct SecretSource {
  Secret value;
  std::string file;  // absolute or relative to the working directory

  bool empty() const { return value.empty() && file.empty(); }

  // The text, without white space at the ends of a file.
  Result<std::string> Read(const FileSystem& files) const;
};

}  // namespace tocsin::alerting
