#include "storage/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "storage/rocks_scan.h"

namespace tocsin::storage {
namespace {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;

Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view ToView(const Slice& s) { return {s.data(), s.size()}; }

bool IsLockHeld(const rocksdb::Status& s) {
  const std::string text = s.ToString();
  return s.IsIOError() && (text.find("lock hold by") != std::string::npos ||
                           text.find("While lock file") != std::string::npos);
}

// RocksDB writes no LOG file: on a full disk it ends the process in an assertion when a line of it
// could not be written (and it tells nothing that the errors do not).
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  NoLog() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  void Logv(const char*, va_list) override {}
};

// After an error RocksDB waits for Resume(): when it recovers by itself as well, it may end in a
// state in which the next ingestion is an assertion.
class NoRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::DBOptions MakeDbOptions(const RocksOptions& options,
                                 std::shared_ptr<rocksdb::WriteBufferManager> buffers) {
  rocksdb::DBOptions db;
  if (options.env != nullptr) db.env = options.env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.write_buffer_manager = std::move(buffers);
  db.max_open_files = 256;
  db.max_file_opening_threads = 2;
  db.bytes_per_sync = 1 << 20;
  db.wal_bytes_per_sync = 512 << 10;
  db.max_total_wal_size = options.max_wal_bytes;
  db.recycle_log_file_num = 0;
  db.max_background_jobs = 2;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.avoid_unnecessary_blocking_io = true;
  // A record that breaks off at the end is no damage. Anything else is told, so that what lies
  // behind it is not lost silently (see repair.h).
  db.wal_recovery_mode = options.skip_damaged_log
                             ? rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords
                             : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.manual_wal_flush = false;
  db.manifest_preallocation_size = 64 << 10;
  db.max_manifest_file_size = 4 << 20;
  db.info_log = std::make_shared<NoLog>();
  db.listeners.push_back(std::make_shared<NoRecovery>());
  db.max_bgerror_resume_count = 0;
  return db;
}

rocksdb::ColumnFamilyOptions SmallFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions cf;
  cf.write_buffer_size = 1 << 20;
  cf.max_write_buffer_number = 2;
  cf.arena_block_size = 64 << 10;
  cf.compression = rocksdb::kZSTD;
  cf.compression_opts.level = 1;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 << 10;
  table.format_version = 5;
  table.cache_index_and_filter_blocks = true;
  cf.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return cf;
}

rocksdb::ColumnFamilyOptions LogFamily(const std::shared_ptr<rocksdb::Cache>& cache,
                                       uint64_t write_buffer) {
  rocksdb::ColumnFamilyOptions cf = SmallFamily(cache);
  cf.write_buffer_size = write_buffer;
  cf.compression = rocksdb::kNoCompression;
  cf.disable_auto_compactions = true;
  return cf;
}

rocksdb::ColumnFamilyOptions SampleFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions cf = SmallFamily(cache);
  cf.disable_auto_compactions = true;
  return cf;
}

}  // namespace

struct RocksStore::Impl {
  RocksOptions options;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> buffers;
  std::unique_ptr<rocksdb::DB> db;
  ColumnFamilyHandle* fixed[std::size(kFixedFamilies)] = {};
  mutable std::mutex mutex;
  // Whoever reads one holds it.
  using LogHandle = std::shared_ptr<ColumnFamilyHandle>;
  std::map<uint64_t, LogHandle> logs;  // guarded by mutex
  std::atomic<bool> failed{false};
  std::atomic<uint64_t> file_bytes_written{0};
  Status failure;  // the first; guarded by mutex

  // Every call that may touch the WAL runs through this.
  template <typename F>
  Status Change(std::string_view doing, F&& change) {
    if (failed.load(std::memory_order_acquire)) {
      std::lock_guard lock(mutex);
      if (!failure.ok()) return failure;
    }
    Status status = FromRocks(change(), doing);
    if (!status.ok()) {
      std::lock_guard lock(mutex);
      if (failure.ok()) failure = status;
      failed.store(true, std::memory_order_release);
    }
    return status;
  }

  rocksdb::Env* env() const {
    return options.env != nullptr ? options.env : rocksdb::Env::Default();
  }
  ColumnFamilyHandle* Of(Family family) const { return fixed[static_cast<size_t>(family)]; }
  LogHandle Log(uint64_t epoch) const {
    std::lock_guard lock(mutex);
    const auto it = logs.find(epoch);
    return it == logs.end() ? nullptr : it->second;
  }
  LogHandle MakeLogHandle(ColumnFamilyHandle* handle) const {
    return {handle, [db = db.get()](ColumnFamilyHandle* last) {
              db->DestroyColumnFamilyHandle(last).PermitUncheckedError();
            }};
  }
  rocksdb::ColumnFamilyOptions OptionsOf(std::string_view name) const {
    if (ParseLogFamilyName(name)) return LogFamily(cache, options.log_write_buffer_bytes);
    if (name == FamilyName(Family::kRaw) || name == FamilyName(Family::kLvl))
      return SampleFamily(cache);
    return SmallFamily(cache);
  }
  // Shared by whoever uses db and handles; alone to open the database anew.
  mutable std::shared_mutex gate;

  Status OpenDb();
  void CloseDb() {
    if (!db) return;
    for (ColumnFamilyHandle*& handle : fixed) {
      if (handle != nullptr) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
      handle = nullptr;
    }
    {
      std::lock_guard lock(mutex);
      logs.clear();
    }
    db->Close().PermitUncheckedError();
    db.reset();
  }
  ~Impl() { CloseDb(); }
  // It could not be opened again after a failed write (REQUIRES: that), and will be tried again.
  Error Closed() const {
    std::lock_guard lock(mutex);
    return failure.ok() ? Error(ErrorCode::kUnavailable, "the database is closed")
                        : failure.error().WithContext("the database is closed");
  }
  // Whether the disk takes a file of some size.
  Status TryDisk() const;
};

struct RocksBatch::Impl {
  const RocksStore::Impl* store;
  rocksdb::WriteBatch batch;
  bool lost = false;  // something was put while the database was closed

  // `change` gets the family; without one the batch is not to be written.
  template <typename F>
  void With(ColumnFamilyHandle* family, F&& change) {
    if (family == nullptr)
      lost = true;
    else
      change(family).PermitUncheckedError();
  }
};

struct SortedFile::Impl {
  Impl(const rocksdb::EnvOptions& env_options, const rocksdb::Options& options,
       ColumnFamilyHandle* handle)
      : writer(env_options, options, handle) {}
  rocksdb::SstFileWriter writer;
  std::string path;
};

RocksBatch::RocksBatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksBatch::RocksBatch(RocksBatch&&) noexcept = default;
RocksBatch::~RocksBatch() = default;

// A WriteBatch without limits never refuses an update.
void RocksBatch::Put(Family family, std::string_view key, std::string_view value) {
  const std::shared_lock pass(impl_->store->gate);
  impl_->With(impl_->store->Of(family), [&](ColumnFamilyHandle* to) {
    return impl_->batch.Put(to, ToSlice(key), ToSlice(value));
  });
}
void RocksBatch::Delete(Family family, std::string_view key) {
  const std::shared_lock pass(impl_->store->gate);
  impl_->With(impl_->store->Of(family),
              [&](ColumnFamilyHandle* from) { return impl_->batch.Delete(from, ToSlice(key)); });
}
void RocksBatch::DeleteRange(Family family, std::string_view begin, std::string_view end) {
  const std::shared_lock pass(impl_->store->gate);
  impl_->With(impl_->store->Of(family), [&](ColumnFamilyHandle* from) {
    return impl_->batch.DeleteRange(from, ToSlice(begin), ToSlice(end));
  });
}
void RocksBatch::PutLogRow(uint64_t epoch, uint64_t log_seq, std::string_view row) {
  const std::shared_lock pass(impl_->store->gate);
  const RocksStore::Impl::LogHandle log = impl_->store->Log(epoch);
  impl_->With(log.get(), [&](ColumnFamilyHandle* to) {
    return impl_->batch.Put(to, ToSlice(keys::LogRow(log_seq)), ToSlice(row));
  });
}
bool RocksBatch::empty() const { return impl_->batch.Count() == 0 && !impl_->lost; }
size_t RocksBatch::bytes() const { return impl_->batch.GetDataSize(); }

SortedFile::SortedFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SortedFile::SortedFile(SortedFile&&) noexcept = default;
SortedFile::~SortedFile() = default;
Status SortedFile::Add(std::string_view key, std::string_view value) {
  return FromRocks(impl_->writer.Put(ToSlice(key), ToSlice(value)), impl_->path);
}
Status SortedFile::Finish() { return FromRocks(impl_->writer.Finish(), impl_->path); }
uint64_t SortedFile::bytes() const { return impl_->writer.FileSize(); }
const std::string& SortedFile::path() const { return impl_->path; }

RocksStore::RocksStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksStore::~RocksStore() = default;

Result<std::unique_ptr<RocksStore>> RocksStore::Open(const RocksOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->cache = rocksdb::NewLRUCache(options.cache_bytes, -1, /*strict_capacity_limit=*/false);
  impl->buffers =
      std::make_shared<rocksdb::WriteBufferManager>(options.write_buffers_bytes, impl->cache);
  TOCSIN_RETURN_IF_ERROR(impl->OpenDb());
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(impl)));
}

Status RocksStore::Impl::OpenDb() {
  const rocksdb::DBOptions db_options = MakeDbOptions(options, buffers);
  std::vector<std::string> names;
  for (Family family : kFixedFamilies) names.emplace_back(FamilyName(family));
  if (env()->FileExists(options.path + "/CURRENT").ok()) {
    std::vector<std::string> present;
    const auto s = rocksdb::DB::ListColumnFamilies(db_options, options.path, &present);
    TOCSIN_RETURN_IF_ERROR(FromRocks(s, "listing the families of the database"));
    for (std::string& name : present)
      if (std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) descriptors.emplace_back(name, OptionsOf(name));

  std::vector<ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const auto s = rocksdb::DB::Open(db_options, options.path, descriptors, &handles, &opened);
  if (IsLockHeld(s))
    return Error(ErrorCode::kAlreadyExists, "another process holds the database: " + s.ToString());
  TOCSIN_RETURN_IF_ERROR(FromRocks(s, "opening the database"));
  db.reset(opened);
  for (size_t i = 0; i < handles.size(); ++i) {
    if (i < std::size(kFixedFamilies))
      fixed[i] = handles[i];
    else if (const auto epoch = ParseLogFamilyName(names[i]))
      logs.emplace(*epoch, MakeLogHandle(handles[i]));
    else
      return InvalidArgument("the database has an unknown family \"" + names[i] +
                             "\": it was written by a newer version or another program");
  }
  return OkStatus();
}

Status RocksStore::Impl::TryDisk() const {
  const std::string path = options.path + "/PROBE";
  std::unique_ptr<rocksdb::WritableFile> file;
  auto s = env()->NewWritableFile(path, &file, rocksdb::EnvOptions());
  const std::string bytes(1 << 20, 'x');
  if (s.ok()) s = file->Append(bytes);
  if (s.ok()) s = file->Sync();
  if (file != nullptr) file->Close().PermitUncheckedError();
  env()->DeleteFile(path).PermitUncheckedError();
  return FromRocks(s, "trying the disk");
}

Result<std::optional<std::string>> RocksStore::Get(Family family, std::string_view key) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  std::string value;
  const auto s = impl_->db->Get({}, impl_->Of(family), ToSlice(key), &value);
  if (s.IsNotFound()) return std::optional<std::string>();
  TOCSIN_RETURN_IF_ERROR(FromRocks(s, FamilyName(family)));
  return std::optional<std::string>(std::move(value));
}

Status RocksStore::ScanReadable(Family family, std::string_view begin, std::string_view end,
                                const Visit& visit, uint64_t* damaged) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  return ScanReadableFamily(*impl_->db, impl_->Of(family), begin, end, visit, damaged);
}

Status RocksStore::Scan(Family family, std::string_view begin, std::string_view end,
                        const Visit& visit) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  return ScanFamily(*impl_->db, impl_->Of(family), begin, end, visit);
}

Result<std::optional<std::string>> RocksStore::LastKey(Family family, std::string_view end) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator({}, impl_->Of(family)));
  if (end.empty()) {
    it->SeekToLast();
  } else {
    it->SeekForPrev(ToSlice(end));
    if (it->Valid() && ToView(it->key()) == end) it->Prev();
  }
  std::optional<std::string> key;
  if (it->Valid()) key = it->key().ToString();
  TOCSIN_RETURN_IF_ERROR(FromRocks(it->status(), FamilyName(family)));
  return key;
}

RocksBatch RocksStore::NewBatch() const {
  auto batch = std::make_unique<RocksBatch::Impl>();
  batch->store = impl_.get();
  return RocksBatch(std::move(batch));
}

Status RocksStore::Write(RocksBatch& batch, bool sync) {
  const std::shared_lock pass(impl_->gate);
  if (batch.impl_->lost) return impl_->Closed();
  rocksdb::WriteOptions write;
  write.sync = sync;
  return impl_->Change("writing the log",
                       [&] { return impl_->db->Write(write, &batch.impl_->batch); });
}

Status RocksStore::SyncWal() {
  const std::shared_lock pass(impl_->gate);
  return impl_->Change("syncing the log", [&] { return impl_->db->SyncWAL(); });
}

std::vector<uint64_t> RocksStore::Logs() const {
  std::lock_guard lock(impl_->mutex);
  std::vector<uint64_t> epochs;
  for (const auto& [epoch, handle] : impl_->logs) epochs.push_back(epoch);
  return epochs;
}

Status RocksStore::CreateLog(uint64_t first_log_seq) {
  const std::shared_lock pass(impl_->gate);
  const std::string name = LogFamilyName(first_log_seq);
  ColumnFamilyHandle* handle = nullptr;
  TOCSIN_RETURN_IF_ERROR(impl_->Change("creating a log epoch", [&] {
    return impl_->db->CreateColumnFamily(impl_->OptionsOf(name), name, &handle);
  }));
  std::lock_guard lock(impl_->mutex);
  impl_->logs[first_log_seq] = impl_->MakeLogHandle(handle);
  return OkStatus();
}

Status RocksStore::DropLog(uint64_t first_log_seq) {
  const std::shared_lock pass(impl_->gate);
  const Impl::LogHandle handle = impl_->Log(first_log_seq);
  if (handle == nullptr) return OkStatus();
  TOCSIN_RETURN_IF_ERROR(impl_->Change("dropping a spent log epoch",
                                       [&] { return impl_->db->DropColumnFamily(handle.get()); }));
  std::lock_guard lock(impl_->mutex);
  impl_->logs.erase(first_log_seq);
  return OkStatus();
}

Status RocksStore::ScanLog(uint64_t first_log_seq, uint64_t from, const Visit& visit,
                           uint64_t* damaged) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  const Impl::LogHandle handle = impl_->Log(first_log_seq);
  if (handle == nullptr) return NotFound("log epoch " + std::to_string(first_log_seq));
  return ScanReadableFamily(*impl_->db, handle.get(), keys::LogRow(from), {}, visit, damaged);
}

Result<std::optional<uint64_t>> RocksStore::LastLogRow(uint64_t first_log_seq) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  const Impl::LogHandle handle = impl_->Log(first_log_seq);
  if (handle == nullptr) return std::optional<uint64_t>();
  std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator({}, handle.get()));
  it->SeekToLast();
  std::optional<uint64_t> last;
  if (it->Valid()) last = keys::ParseLogRow(ToView(it->key()));
  TOCSIN_RETURN_IF_ERROR(FromRocks(it->status(), handle->GetName()));
  return last;
}

uint64_t RocksStore::LogBytes() const {
  const std::shared_lock pass(impl_->gate);
  uint64_t bytes = 0;
  if (!impl_->db) return bytes;
  rocksdb::VectorLogPtr wals;
  if (impl_->db->GetSortedWalFiles(wals).ok())
    for (const auto& wal : wals) bytes += wal->SizeFileBytes();
  std::lock_guard lock(impl_->mutex);
  for (const auto& [epoch, handle] : impl_->logs) {
    uint64_t files = 0;
    if (impl_->db->GetIntProperty(handle.get(), rocksdb::DB::Properties::kTotalSstFilesSize,
                                  &files))
      bytes += files;
  }
  return bytes;
}

Status RocksStore::FlushSmallFamilies() {
  const std::shared_lock pass(impl_->gate);
  std::vector<ColumnFamilyHandle*> handles;
  for (Family family :
       {Family::kDefault, Family::kSeries, Family::kSym, Family::kPost, Family::kState})
    handles.push_back(impl_->Of(family));
  return impl_->Change("flushing the small families",
                       [&] { return impl_->db->Flush({}, handles); });
}

Result<SortedFile> RocksStore::NewSortedFile(Family family, const std::string& path) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  rocksdb::Options options(MakeDbOptions(impl_->options, nullptr),
                           impl_->OptionsOf(FamilyName(family)));
  auto file = std::make_unique<SortedFile::Impl>(rocksdb::EnvOptions(), options, impl_->Of(family));
  file->path = path;
  TOCSIN_RETURN_IF_ERROR(FromRocks(file->writer.Open(path), path));
  return SortedFile(std::move(file));
}

Status RocksStore::Ingest(const std::vector<std::pair<Family, std::vector<std::string>>>& files) {
  const std::shared_lock pass(impl_->gate);
  std::vector<rocksdb::IngestExternalFileArg> args;
  for (const auto& [family, paths] : files) {
    if (paths.empty()) continue;
    rocksdb::IngestExternalFileArg arg;
    arg.column_family = impl_->Of(family);
    arg.external_files = paths;
    arg.options.move_files = true;
    arg.options.failed_move_fall_back_to_copy = true;
    arg.options.write_global_seqno = false;
    args.push_back(std::move(arg));
  }
  if (args.empty()) return OkStatus();
  uint64_t bytes = 0;
  for (const auto& arg : args)
    for (const std::string& path : arg.external_files) {
      uint64_t size = 0;
      if (impl_->env()->GetFileSize(path, &size).ok()) bytes += size;
    }
  const Status ingested = impl_->Change("committing sealed files",
                                        [&] { return impl_->db->IngestExternalFiles(args); });
  if (ingested.ok()) impl_->file_bytes_written.fetch_add(bytes, std::memory_order_relaxed);
  return ingested;
}

Status RocksStore::DropRange(Family family, std::string_view begin, std::string_view end) {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  ColumnFamilyHandle* handle = impl_->Of(family);
  const Slice from = ToSlice(begin);
  const Slice to = ToSlice(end);
  TOCSIN_RETURN_IF_ERROR(FromRocks(
      rocksdb::DeleteFilesInRange(impl_->db.get(), handle, &from, &to, false), "dropping files"));
  bool left = false;
  TOCSIN_RETURN_IF_ERROR(
      ScanFamily(*impl_->db, handle, begin, end, [&](std::string_view, std::string_view) {
        left = true;
        return false;
      }));
  if (!left) return OkStatus();
  return impl_->Change("dropping files",
                       [&] { return impl_->db->DeleteRange({}, handle, from, to); });
}

std::vector<std::string> RocksStore::FirstKeys(Family family) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return {};
  rocksdb::ColumnFamilyMetaData meta;
  impl_->db->GetColumnFamilyMetaData(impl_->Of(family), &meta);
  std::vector<std::string> first_keys;
  for (const auto& level : meta.levels)
    for (const auto& file : level.files) first_keys.push_back(file.smallestkey);
  return first_keys;
}

std::vector<std::pair<std::string, uint64_t>> RocksStore::Tables(Family family) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return {};
  rocksdb::ColumnFamilyMetaData meta;
  impl_->db->GetColumnFamilyMetaData(impl_->Of(family), &meta);
  std::vector<std::pair<std::string, uint64_t>> tables;
  for (const auto& level : meta.levels)
    for (const auto& file : level.files) tables.emplace_back(file.smallestkey, file.size);
  return tables;
}

uint64_t RocksStore::file_bytes_written() const {
  return impl_->file_bytes_written.load(std::memory_order_relaxed);
}

uint64_t RocksStore::FamilyId(Family family) const {
  const std::shared_lock pass(impl_->gate);
  return impl_->db ? impl_->Of(family)->GetID() : 0;
}

std::vector<std::string> RocksStore::VerifyTables() const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return {};
  std::vector<std::string> damaged;
  rocksdb::Options options(MakeDbOptions(impl_->options, nullptr), impl_->OptionsOf("default"));
  std::vector<rocksdb::LiveFileMetaData> files;
  impl_->db->GetLiveFilesMetaData(&files);
  for (const auto& file : files) {
    rocksdb::SstFileReader reader(options);
    auto s = reader.Open(file.db_path + file.name);
    if (s.ok()) s = reader.VerifyChecksum();
    if (!s.ok())
      damaged.push_back("damaged: table " + file.name + " of family " + file.column_family_name +
                        ": " + s.ToString());
  }
  return damaged;
}

std::vector<int> RocksStore::FilesPerLevel(Family family) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return {};
  rocksdb::ColumnFamilyMetaData meta;
  impl_->db->GetColumnFamilyMetaData(impl_->Of(family), &meta);
  std::vector<int> counts;
  for (const auto& level : meta.levels) counts.push_back(static_cast<int>(level.files.size()));
  return counts;
}

Status RocksStore::Checkpoint(const std::string& path) const {
  const std::shared_lock pass(impl_->gate);
  if (!impl_->db) return impl_->Closed();
  rocksdb::Checkpoint* made = nullptr;
  const auto s = rocksdb::Checkpoint::Create(impl_->db.get(), &made);
  TOCSIN_RETURN_IF_ERROR(FromRocks(s, "making a snapshot"));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Without a flush: what is not in tables is in the log, which comes along.
  return FromRocks(checkpoint->CreateCheckpoint(path, ~uint64_t{0}), "making a snapshot");
}

uint64_t RocksStore::CacheBytes() const { return impl_->cache->GetUsage(); }

Status RocksStore::Resume() {
  // RocksDB's own Resume() may come back with a database that ends the process at the next
  // ingestion, so it is opened anew; but not closed before the disk has shown that it takes bytes.
  TOCSIN_RETURN_IF_ERROR(impl_->TryDisk());
  const std::unique_lock alone(impl_->gate);
  impl_->CloseDb();
  TOCSIN_RETURN_IF_ERROR(impl_->OpenDb());
  std::lock_guard lock(impl_->mutex);
  impl_->failure = OkStatus();
  impl_->failed.store(false, std::memory_order_release);
  return OkStatus();
}

bool RocksStore::failed() const { return impl_->failed.load(std::memory_order_acquire); }

}  // namespace tocsin::storage
