// The data folder as a whole: whose it is, and the folders in it.
#pragma once

#include <string>

#include "storage/base/result.h"

namespace tocsin::storage {

struct Folder {
  std::string path;
  std::string db() const { return path + "/db"; }            // RocksDB's own
  std::string staging() const { return path + "/staging"; }  // files under construction
};

// Makes what is missing and empties `staging`. kInvalidArgument: the folder holds something that is
// not ours; the message names the way out.
Result<Folder> OpenFolder(const std::string& path);

}  // namespace tocsin::storage
