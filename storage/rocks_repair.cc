// Rebuild (repair.h): a new database of the tables and log records of a damaged one.
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "storage/base/log.h"
#include "storage/repair.h"
#include "storage/wal_records.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::Slice;

std::string_view ToView(const Slice& s) { return {s.data(), s.size()}; }

Error IoError(const std::string& path, const std::error_code& error) {
  return {ErrorCode::kIo, path + ": IO error: " + error.message()};
}

std::optional<Family> FixedFamily(std::string_view name) {
  for (const Family family : kFixedFamilies)
    if (FamilyName(family) == name) return family;
  return std::nullopt;
}

// What the families of the log's records were called: tables say it, else their order does.
class FamilyIds {
 public:
  void Learn(uint64_t id, std::string name) { names_.emplace(id, std::move(name)); }
  // Empty: one without a table, not a fixed one.
  std::string Name(uint64_t id) const {
    if (const auto it = names_.find(id); it != names_.end()) return it->second;
    // A new database makes the fixed families in this order.
    if (id < std::size(kFixedFamilies)) return std::string(FamilyName(kFixedFamilies[id]));
    return {};
  }

 private:
  std::map<uint64_t, std::string> names_;
};

// Writes the changes of one log record again.
class Rewriter final : public rocksdb::WriteBatch::Handler {
 public:
  Rewriter(RocksStore& store, const FamilyIds& ids) : store_(store), ids_(ids) {
    for (const uint64_t epoch : store.Logs()) epochs_.emplace(LogFamilyName(epoch), epoch);
  }

  Status Record(std::string_view record) {
    rocksdb::WriteBatch batch{std::string(record)};
    out_.emplace(store_.NewBatch());
    failed_ = OkStatus();
    // A record whose checksum is right but whose changes are not understood is left out.
    const auto s = batch.Iterate(this);
    if (!failed_.ok()) return failed_;
    if (!s.ok()) {
      ++not_understood_;
      return OkStatus();
    }
    return out_->empty() ? OkStatus() : store_.Write(*out_, /*sync=*/false);
  }
  uint64_t not_understood() const { return not_understood_; }

  rocksdb::Status PutCF(uint32_t id, const Slice& key, const Slice& value) override {
    const std::string name = ids_.Name(id);
    if (const auto family = FixedFamily(name)) {
      out_->Put(*family, ToView(key), ToView(value));
      return rocksdb::Status::OK();
    }
    const auto log_seq = keys::ParseLogRow(ToView(key));
    if (!log_seq) return rocksdb::Status::OK();
    const std::optional<uint64_t> epoch = Epoch(id, name, *log_seq);
    if (!epoch) return rocksdb::Status::Aborted();
    out_->PutLogRow(*epoch, *log_seq, ToView(value));
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t id, const Slice& key) override {
    if (const auto family = FixedFamily(ids_.Name(id))) out_->Delete(*family, ToView(key));
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t id, const Slice& begin, const Slice& end) override {
    if (const auto family = FixedFamily(ids_.Name(id)))
      out_->DeleteRange(*family, ToView(begin), ToView(end));
    return rocksdb::Status::OK();
  }
  void LogData(const Slice&) override {}

 private:
  // An epoch without a table has no name left: its first row names it as it was named then.
  std::optional<uint64_t> Epoch(uint32_t id, const std::string& name, uint64_t log_seq) {
    const std::string of = name.empty() ? "id " + std::to_string(id) : name;
    if (const auto it = epochs_.find(of); it != epochs_.end()) return it->second;
    const uint64_t epoch = ParseLogFamilyName(name).value_or(log_seq);
    failed_ = store_.CreateLog(epoch);
    if (!failed_.ok()) return std::nullopt;
    epochs_.emplace(of, epoch);
    return epoch;
  }

  RocksStore& store_;
  const FamilyIds& ids_;
  std::map<std::string, uint64_t> epochs_;
  std::optional<RocksBatch> out_;
  Status failed_;
  uint64_t not_understood_ = 0;
};

class Rebuilder {
 public:
  Rebuilder(const RocksOptions& options, const Folder& folder, Repairs::Step* step)
      : options_(options), folder_(folder), step_(*step) {}

  // The new database is in folder.rebuilt() when it returns.
  Status Run();

 private:
  rocksdb::Env* env() const {
    return options_.env != nullptr ? options_.env : rocksdb::Env::Default();
  }
  Status Link(const std::string& from, const std::string& to) const {
    std::error_code error;
    fs::create_hard_link(from, to, error);
    if (error) fs::copy_file(from, to, error);
    return error ? Status(IoError(to, error)) : OkStatus();
  }
  Status SortTables();
  Status TakeFiles(RocksStore& store);
  Status Copy(const RocksStore& store, Family family, const std::string& from,
              const std::string& to) const;
  Status TakeLog(RocksStore& store, const FamilyIds& ids);

  RocksOptions options_;
  const Folder& folder_;
  Repairs::Step& step_;
  FamilyIds ids_;
  std::vector<std::pair<Family, std::string>> files_;  // tables of sealed files
  std::map<std::string, uint64_t> family_ids_;         // the family's number in each table
  std::vector<std::string> tables_;                    // of the other families
  std::vector<std::pair<uint64_t, std::string>> logs_;
};

Status Rebuilder::SortTables() {
  std::error_code error;
  rocksdb::Options options;
  options.env = env();
  for (fs::directory_iterator it(folder_.db(), error), end; !error && it != end;
       it.increment(error)) {
    const fs::path& path = it->path();
    if (path.extension() == ".log") {
      logs_.emplace_back(std::strtoull(path.stem().c_str(), nullptr, 10), path.string());
      continue;
    }
    if (path.extension() != ".sst") continue;
    rocksdb::SstFileReader reader(options);
    const auto s = reader.Open(path.string());
    if (!s.ok()) {
      ++step_.tables_lost;
      log::Error("a table is unreadable",
                 {{"file", path.filename().string()}, {"err", s.ToString()}});
      continue;
    }
    const auto properties = reader.GetTableProperties();
    ids_.Learn(properties->column_family_id, properties->column_family_name);
    const auto family = FixedFamily(properties->column_family_name);
    if (family != Family::kRaw && family != Family::kLvl)
      tables_.push_back(path.string());
    else if (properties->user_collected_properties.contains("rocksdb.external_sst_file.version"))
      files_.emplace_back(*family, path.string());
    family_ids_.emplace(path.string(), properties->column_family_id);
    // Else it holds but range deletions of files that were dropped.
  }
  std::sort(logs_.begin(), logs_.end());
  return error ? Status(IoError(folder_.db(), error)) : OkStatus();
}

// Tables name the number of their family, and a family that is made again may have another.
Status Rebuilder::Copy(const RocksStore& store, Family family, const std::string& from,
                       const std::string& to) const {
  rocksdb::Options options;
  options.env = env();
  rocksdb::SstFileReader reader(options);
  const auto opened = reader.Open(from);
  if (!opened.ok()) return Error(ErrorCode::kCorruption, from + ": " + opened.ToString());
  TOCSIN_ASSIGN(SortedFile copy, store.NewSortedFile(family, to));
  const std::unique_ptr<rocksdb::Iterator> it(reader.NewIterator({}));
  for (it->SeekToFirst(); it->Valid(); it->Next())
    TOCSIN_RETURN_IF_ERROR(
        copy.Add({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()}));
  if (!it->status().ok())
    return Error(ErrorCode::kCorruption, from + ": " + it->status().ToString());
  return copy.Finish();
}

Status Rebuilder::TakeFiles(RocksStore& store) {
  for (size_t i = 0; i < files_.size(); ++i) {
    const auto& [family, path] = files_[i];
    const std::string link = folder_.staging() + "/taken-" + std::to_string(i) + ".sst";
    Status taken = store.FamilyId(family) == family_ids_.at(path) ? Link(path, link)
                                                                  : Copy(store, family, path, link);
    if (taken.ok()) taken = store.Ingest({{family, {link}}});
    if (taken.ok()) continue;
    if (taken.error().code() != ErrorCode::kCorruption) return taken;
    ++step_.tables_lost;
    log::Error("a sealed file was not taken over",
               {{"file", path}, {"err", taken.error().message()}});
    TOCSIN_RETURN_IF_ERROR(store.Resume());
  }
  return OkStatus();
}

Status Rebuilder::TakeLog(RocksStore& store, const FamilyIds& ids) {
  Rewriter rewriter(store, ids);
  Status written;
  for (const auto& [number, path] : logs_) {
    WalDamage damage;
    const auto take = [&](std::string_view record) {
      if (written.ok()) written = rewriter.Record(record);
    };
    TOCSIN_RETURN_IF_ERROR(ReadWal(path, take, &damage));
    TOCSIN_RETURN_IF_ERROR(written);
    step_.log_places += damage.places;
    step_.log_bytes += damage.bytes;
  }
  step_.log_places += rewriter.not_understood();
  return store.SyncWal();
}

Status Rebuilder::Run() {
  std::error_code error;
  fs::remove_all(folder_.rebuilt(), error);
  fs::create_directories(folder_.rebuilt(), error);
  if (error) return IoError(folder_.rebuilt(), error);
  TOCSIN_RETURN_IF_ERROR(SortTables());
  options_.path = folder_.rebuilt();
  if (!tables_.empty()) {
    for (const std::string& path : tables_)
      TOCSIN_RETURN_IF_ERROR(Link(path, options_.path + "/" + fs::path(path).filename().string()));
    rocksdb::Options options;
    options.env = env();
    // Orders versions of one key by their sequence numbers.
    const auto s = rocksdb::RepairDB(options_.path, options);
    if (!s.ok()) return Error(ErrorCode::kCorruption, "taking over tables: " + s.ToString());
    for (fs::directory_iterator it(options_.path + "/lost", error), end; !error && it != end;
         it.increment(error))
      step_.tables_lost += it->path().extension() == ".sst";
  }
  TOCSIN_ASSIGN(const auto store, RocksStore::Open(options_));
  TOCSIN_RETURN_IF_ERROR(TakeFiles(*store));
  return TakeLog(*store, ids_);
}

}  // namespace

Status Rebuild(const RocksOptions& options, const Folder& folder, const std::string& keep_in,
               Repairs::Step* step) {
  rocksdb::Env* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  rocksdb::FileLock* lock = nullptr;
  if (const auto s = env->LockFile(folder.db() + "/LOCK", &lock); !s.ok())
    return Error(ErrorCode::kAlreadyExists, "another process holds the database: " + s.ToString());
  Status done = Rebuilder(options, folder, step).Run();
  if (done.ok()) {
    std::error_code error;
    fs::create_directories(keep_in, error);
    fs::rename(folder.db(), keep_in + "/db", error);
    if (!error) fs::rename(folder.rebuilt(), folder.db(), error);
    if (error) done = IoError(folder.db(), error);
  }
  env->UnlockFile(lock).PermitUncheckedError();
  return done;
}

}  // namespace tocsin::storage
