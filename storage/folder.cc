#include "storage/folder.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
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

}  // namespace

Result<Folder> OpenFolder(const std::string& path) {
  if (path.empty()) return InvalidArgument("the path of the database is empty");
  const Folder folder{path};
  std::error_code error;
  std::vector<std::string> names;
  bool ours = false;
  if (fs::exists(path, error)) {
    fs::directory_iterator it(path, error);
    if (error) return IoError(path, error);
    for (; it != fs::directory_iterator(); it.increment(error)) {
      if (error) return IoError(path, error);
      std::string name = it->path().filename().string();
      ours = ours || name == "db" || name == "staging";
      if (name != "lost+found") names.push_back(std::move(name));
    }
  }
  if (!ours && !names.empty()) {
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

Status ClearStaging(const Folder& folder) {
  std::error_code error;
  fs::remove_all(folder.staging(), error);
  if (!error) fs::create_directories(folder.staging(), error);
  return error ? Status(IoError(folder.staging(), error)) : OkStatus();
}

}  // namespace tocsin::storage
