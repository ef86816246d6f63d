// The data folder as a whole: whose it is, and the folders in it.
#pragma once

#include <cstdint>
#include <string>

#include "storage/base/result.h"

namespace tocsin::storage {

struct Folder {
  std::string path;
  std::string db() const { return path + "/db"; }                 // RocksDB's own
  std::string staging() const { return path + "/staging"; }       // files under construction
  std::string snapshots() const { return path + "/snapshots"; }   // see snapshots.h
  std::string damaged() const { return path + "/damaged"; }       // what a repair has set aside
  std::string rebuilt() const { return staging() + "/rebuilt"; }  // a new db/ under construction
};

// Makes it when missing. kInvalidArgument: it holds something that is not ours; the message names
// the way out.
Result<Folder> OpenFolder(const std::string& path);

// What everything in it takes, each file once however many names it has.
uint64_t BytesOnDisk(const Folder& folder);

// Empties `staging`. REQUIRES: the database in the folder is locked by this process.
Status ClearStaging(const Folder& folder);

}  // namespace tocsin::storage
