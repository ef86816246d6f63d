#include "storage/repair.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "storage/base/log.h"
#include "storage/base/number.h"
#include "storage/wal_records.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "MANIFEST-";

std::vector<std::string> FilesOf(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool IsLog(const std::string& name) {
  return name.ends_with(".log") && ParseUint(name.substr(0, name.size() - 4)).has_value();
}

// Manifests, the newest first.
std::vector<std::string> Manifests(const std::string& folder) {
  std::vector<std::pair<uint64_t, std::string>> found;
  for (const std::string& name : FilesOf(folder))
    if (name.starts_with(kManifest))
      if (const auto number = ParseUint(std::string_view(name).substr(kManifest.size())))
        found.emplace_back(*number, name);
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> names;
  for (auto& [number, name] : found) names.push_back(std::move(name));
  return names;
}

bool HasTables(const std::string& folder) {
  const std::vector<std::string> names = FilesOf(folder);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.ends_with(".sst") || IsLog(name); });
}

// Not of the kind that goes away by itself, or by freeing space or taking a lock.
bool IsDamage(const Error& error) {
  if (error.code() == ErrorCode::kCorruption) return true;
  return error.code() == ErrorCode::kIo &&
         (error.message().find("IO error") == std::string::npos ||
          error.message().find("No such file") != std::string::npos);
}

class Ladder {
 public:
  Ladder(const RocksOptions& options, const Folder& folder, Timestamp now, Repairs* repairs)
      : options_(options), folder_(folder), now_(now), repairs_(*repairs) {}

  Result<std::unique_ptr<RocksStore>> Climb();

 private:
  // RocksDB would take a folder without CURRENT for a new one, and remove every table in it.
  Status MendCurrent();
  std::string Keep();
  // Links, or moves, the log files aside; says what in them cannot be read.
  Status SetLogsAside(bool move, Repairs::Step* step);
  Result<std::unique_ptr<RocksStore>> TakeStep(Repairs::Step step,
                                               Result<std::unique_ptr<RocksStore>> opened) {
    if (opened.ok()) repairs_.steps.push_back(std::move(step));
    return opened;
  }

  RocksOptions options_;
  const Folder& folder_;
  const Timestamp now_;
  Repairs& repairs_;
};

std::string Ladder::Keep() {
  if (repairs_.kept.empty()) {
    repairs_.kept = folder_.damaged() + "/" + std::to_string(now_.ms);
    for (int n = 1; fs::exists(repairs_.kept); ++n)
      repairs_.kept = folder_.damaged() + "/" + std::to_string(now_.ms) + "-" + std::to_string(n);
    std::error_code error;
    fs::create_directories(repairs_.kept, error);
  }
  return repairs_.kept;
}

Status Ladder::MendCurrent() {
  const std::string path = folder_.db() + "/CURRENT";
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string current = text.str();
  const std::vector<std::string> manifests = Manifests(folder_.db());
  const bool named = std::any_of(manifests.begin(), manifests.end(),
                                 [&](const std::string& name) { return current == name + "\n"; });
  if (named || (current.empty() && !HasTables(folder_.db()))) return OkStatus();
  if (manifests.empty()) return Error(ErrorCode::kCorruption, "the database has no manifest");
  // Written beside it and moved over it: a crash here leaves it as it was.
  const std::string beside = path + ".dbtmp";
  std::ofstream(beside, std::ios::binary) << manifests.front() << "\n";
  std::error_code error;
  fs::rename(beside, path, error);
  if (error) return Error(ErrorCode::kIo, path + ": " + error.message());
  repairs_.steps.push_back({"current", "CURRENT named no manifest", 0, 0, 0});
  return OkStatus();
}

Status Ladder::SetLogsAside(bool move, Repairs::Step* step) {
  const std::string keep = Keep();
  for (const std::string& name : FilesOf(folder_.db())) {
    if (!IsLog(name)) continue;
    const std::string from = folder_.db() + "/" + name;
    const std::string to = keep + "/" + name;
    WalDamage damage;
    TOCSIN_RETURN_IF_ERROR(ReadWal(
        from, [](std::string_view) {}, &damage));
    step->log_places += damage.places;
    step->log_bytes += damage.bytes;
    std::error_code error;
    if (!fs::exists(to, error)) fs::create_hard_link(from, to, error);
    // RocksDB writes no file of a log again that it has read; a copy would do as well.
    if (error) fs::copy_file(from, to, error);
    if (!error && move) fs::remove(from, error);
    if (error) return Error(ErrorCode::kIo, to + ": " + error.message());
  }
  return OkStatus();
}

Result<std::unique_ptr<RocksStore>> Ladder::Climb() {
  Repairs::Step step;
  if (const Status current = MendCurrent(); !current.ok()) {
    step.why = current.error().message();
  } else {
    auto opened = RocksStore::Open(options_);
    if (opened.ok() || !IsDamage(opened.error())) return opened;
    step.why = opened.error().message();
    step.what = "log";
    TOCSIN_RETURN_IF_ERROR(SetLogsAside(/*move=*/false, &step));
    if (step.log_places > 0) {
      log::Error("the log is damaged; it is read past the damage",
                 {{"err", step.why}, {"bytes", step.log_bytes}, {"kept", repairs_.kept}});
      options_.skip_damaged_log = true;
      auto past = TakeStep(step, RocksStore::Open(options_));
      if (past.ok() || !IsDamage(past.error())) return past;
      step.why = past.error().message();
    }
  }
  options_.skip_damaged_log = false;
  log::Error("the database is damaged; a new one is made of what is readable", {{"err", step.why}});
  step = {"rebuilt", step.why, 0, 0, 0};
  const Status rebuilt = Rebuild(options_, folder_, Keep(), &step);
  if (rebuilt.ok()) {
    log::Warn("the database was made anew", {{"tables_lost", step.tables_lost},
                                             {"log_bytes_lost", step.log_bytes},
                                             {"kept", repairs_.kept}});
    return TakeStep(step, RocksStore::Open(options_));
  }
  if (!IsDamage(rebuilt.error())) return rebuilt.error();
  log::Error("the log is set aside", {{"err", rebuilt.error().message()}, {"kept", repairs_.kept}});
  step = {"log-aside", rebuilt.error().message(), 0, 0, 0};
  TOCSIN_RETURN_IF_ERROR(SetLogsAside(/*move=*/true, &step));
  return TakeStep(step, RocksStore::Open(options_));
}

}  // namespace

uint64_t Repairs::damages() const {
  uint64_t n = 0;
  for (const Step& step : steps) n += std::max<uint64_t>(1, step.tables_lost + step.log_places);
  return n;
}

Result<std::unique_ptr<RocksStore>> OpenOrRepair(const RocksOptions& options, const Folder& folder,
                                                 Timestamp now, Repairs* repairs) {
  return Ladder(options, folder, now, repairs).Climb();
}

}  // namespace tocsin::storage
