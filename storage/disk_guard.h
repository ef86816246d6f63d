// Keeps the database working when the disk fills up: a floor of free space below which the oldest
// data goes, and a ballast file that is given up when a write has failed, so that there is room to
// delete in. (Deleting files takes space, too.)
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "storage/folder.h"

namespace tocsin::storage {

struct DiskSpace {
  uint64_t capacity = 0;
  uint64_t available = 0;
};

// One thread.
class DiskGuard {
 public:
  // `space`: of the file system; replaced in tests.
  explicit DiskGuard(const Folder& folder, std::function<DiskSpace()> space = {});

  // How much must be freed to be at the floor again; 0: all is well.
  uint64_t Missing() const;
  // Makes the ballast when it is not there and there is space for it; gives it back while there is
  // so much that nothing can fill the disk between two looks.
  void KeepBallast();
  // A write found no space. True: there was a ballast.
  bool DropBallast();

  static constexpr uint64_t kBallastBytes = 32u << 20;
  static constexpr uint64_t kRoomyBytes = uint64_t{8} << 30;

 private:
  uint64_t Floor(const DiskSpace& space) const;
  std::string path() const { return folder_.path + "/ballast"; }

  const Folder& folder_;
  const std::function<DiskSpace()> space_;
};

}  // namespace tocsin::storage
