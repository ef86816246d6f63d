// Copies of the whole database as of one moment, made of hard links: <folder>/snapshots/<name>/db.
// A snapshot is itself a folder that can be opened. It keeps files alive, so its bytes count in the
// size budget; it goes when it is old enough, or first of all when space is short.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/folder.h"

namespace tocsin::storage {

struct SnapshotInfo {
  std::string name;  // 20171210T211224Z-2be650b6d019eb54
  Timestamp made;
};

// By name, so the oldest first. Folders with other names are not listed (and never removed).
std::vector<SnapshotInfo> ListSnapshots(const Folder& folder);
std::string SnapshotName(Timestamp now, uint64_t random);
Status RemoveSnapshot(const Folder& folder, std::string_view name);

}  // namespace tocsin::storage
