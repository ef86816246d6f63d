#include "storage/folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

Error IoError(const std::string& path, const std::error_code& error) {
  return {ErrorCode::kIo, path + ": " + error.message()};
}

// Prometheus names its blocks so: 26 characters of Crockford's base 32.
bool IsUlid(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return name.size() == 26 && std::all_of(name.begin(), name.end(), [&](char c) {
           return kDigits.find(c) != std::string_view::npos;
         });
}

Error Foreign(const std::string& path, const std::vector<std::string>& names) {
  const bool prometheus = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "wal" || name == "chunks_head" || IsUlid(name);
  });
  const std::string way_out =
      "; give tocsin an empty folder of its own (--storage.tsdb.path=<another folder>), nothing "
      "here was touched";
  if (prometheus)
    return InvalidArgument("the folder " + path + " holds a Prometheus database" + way_out);
  return InvalidArgument("the folder " + path + " is not empty and not tocsin's (it has \"" +
                         names.front() + "\")" + way_out);
}

// Whether a folder holds a RocksDB: damaged, too, and one that was only just begun (empty).
bool HoldsRocksDb(const std::string& path) {
  std::error_code error;
  fs::directory_iterator it(path, error);
  if (error) return false;
  if (it == fs::directory_iterator()) return true;
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name == "CURRENT" || name == "IDENTITY" || name == "LOCK" ||
        name.starts_with("MANIFEST-") || name.starts_with("OPTIONS-") || name.ends_with(".sst"))
      return true;
  }
  return false;
}

}  // namespace

Result<Folder> OpenFolder(const std::string& path) {
  if (path.empty()) return InvalidArgument("the path of the database is empty");
  const Folder folder{path};
  std::error_code error;
  std::vector<std::string> names;
  if (fs::exists(path, error)) {
    fs::directory_iterator it(path, error);
    if (error) return IoError(path, error);
    for (; it != fs::directory_iterator(); it.increment(error)) {
      if (error) return IoError(path, error);
      std::string name = it->path().filename().string();
      if (name != "lost+found") names.push_back(std::move(name));
    }
  }
  // Names alone prove nothing: others have a "db" and a "staging", too.
  if (!names.empty() && !HoldsRocksDb(folder.db()) && !HoldsRocksDb(folder.rebuilt())) {
    std::sort(names.begin(), names.end());
    return Foreign(path, names);
  }
  // A repair was about to put the new database in the place of the one it had moved away.
  if (!fs::exists(folder.db(), error) && fs::exists(folder.rebuilt(), error))
    fs::rename(folder.rebuilt(), folder.db(), error);
  fs::create_directories(folder.db(), error);
  if (error) return IoError(folder.db(), error);
  return folder;
}

uint64_t BytesOnDisk(const Folder& folder) {
  constexpr uint64_t kStatBlock = 512;
  std::set<std::pair<dev_t, ino_t>> counted;
  uint64_t bytes = 0;
  std::error_code error;
  constexpr auto kSkip = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(folder.path, kSkip, error), end; !error && it != end;
       it.increment(error)) {
    struct stat of;
    // Files come and go meanwhile.
    if (lstat(it->path().c_str(), &of) != 0 || !S_ISREG(of.st_mode)) continue;
    if (of.st_nlink > 1 && !counted.emplace(of.st_dev, of.st_ino).second) continue;
    bytes += static_cast<uint64_t>(of.st_blocks) * kStatBlock;
  }
  return bytes;
}

Status ClearStaging(const Folder& folder) {
  std::error_code error;
  fs::remove_all(folder.staging(), error);
  if (!error) fs::create_directories(folder.staging(), error);
  return error ? Status(IoError(folder.staging(), error)) : OkStatus();
}

}  // namespace tocsin::storage
