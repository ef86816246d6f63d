#include "storage/snapshots.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <system_error>

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameSize = 33;  // 16 of time, '-', 16 hex

std::optional<Timestamp> TimeOf(const std::string& name) {
  std::tm tm = {};
  int end = 0;
  if (name.size() != kNameSize ||
      std::sscanf(name.c_str(), "%4d%2d%2dT%2d%2d%2dZ-%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                  &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
      end != 17 || name.find_first_not_of("0123456789abcdef", 17) != std::string::npos)
    return std::nullopt;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return Timestamp{static_cast<int64_t>(timegm(&tm)) * 1000};
}

}  // namespace

std::string SnapshotName(Timestamp now, uint64_t random) {
  const auto seconds = static_cast<std::time_t>(now.ms / 1000);
  std::tm tm = {};
  gmtime_r(&seconds, &tm);
  char name[64];
  std::snprintf(name, sizeof name, "%04d%02d%02dT%02d%02d%02dZ-%016llx", tm.tm_year + 1900,
                tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                static_cast<unsigned long long>(random));
  return name;
}

std::vector<SnapshotInfo> ListSnapshots(const Folder& folder) {
  std::vector<SnapshotInfo> out;
  std::error_code error;
  for (fs::directory_iterator it(folder.snapshots(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (const auto made = TimeOf(name)) out.push_back({name, *made});
  }
  std::sort(out.begin(), out.end(),
            [](const SnapshotInfo& a, const SnapshotInfo& b) { return a.name < b.name; });
  return out;
}

Status RemoveSnapshot(const Folder& folder, std::string_view name) {
  const std::string path = folder.snapshots() + "/" + std::string(name);
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Status(Error(ErrorCode::kIo, path + ": " + error.message())) : OkStatus();
}

}  // namespace tocsin::storage
