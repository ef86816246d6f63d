#include "storage/disk_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tocsin::storage {
namespace {

constexpr uint64_t kFloorBytes = 64u << 20;

DiskSpace SpaceOf(const std::string& path) {
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  // Unknown: nothing is deleted for it.
  if (error) return {0, ~uint64_t{0}};
  return {space.capacity, space.available};
}

}  // namespace

DiskGuard::DiskGuard(const Folder& folder, std::function<DiskSpace()> space)
    : folder_(folder),
      space_(space ? std::move(space) : [path = folder.path] { return SpaceOf(path); }) {}

uint64_t DiskGuard::Floor(const DiskSpace& space) const {
  // On a tiny file system an eighth must do.
  return std::min(std::max(kFloorBytes, space.capacity / 50), space.capacity / 8);
}

uint64_t DiskGuard::Missing() const {
  const DiskSpace space = space_();
  const uint64_t floor = Floor(space);
  return space.available >= floor ? 0 : floor - space.available;
}

void DiskGuard::KeepBallast() {
  std::error_code error;
  const DiskSpace space = space_();
  const bool exists = std::filesystem::exists(path(), error);
  // A margin, so that it does not come and go.
  if (exists && space.available > 2 * kRoomyBytes) DropBallast();
  if (exists || space.available > kRoomyBytes) return;
  const uint64_t bytes = std::min(kBallastBytes, space.capacity / 100);
  if (space.available < 2 * Floor(space) + bytes) return;
  const int fd = open(path().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) return;
  // Allocated, not sparse.
  const bool allocated = posix_fallocate(fd, 0, static_cast<off_t>(bytes)) == 0;
  close(fd);
  if (!allocated) std::filesystem::remove(path(), error);
}

bool DiskGuard::DropBallast() {
  std::error_code error;
  return std::filesystem::remove(path(), error);
}

}  // namespace tocsin::storage
