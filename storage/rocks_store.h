// The one seam to RocksDB: families, atomic batches, scans, sorted files built aside and ingested.
// Knows nothing of what the bytes mean (key_schema.h does). Errors: kIo, kNoSpace, kCorruption with
// RocksDB's own words; kAlreadyExists when another process holds the folder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/key_schema.h"

namespace rocksdb {
class Env;
}

namespace tocsin::storage {

struct RocksOptions {
  std::string path;  // of RocksDB's own folder
  uint64_t cache_bytes = 16u << 20;
  uint64_t write_buffers_bytes = 8u << 20;  // all families together, charged to the cache
  uint64_t log_write_buffer_bytes = 4u << 20;
  uint64_t max_wal_bytes = 64u << 20;
  bool skip_damaged_log = false;  // read the WAL past damage; else damage is kCorruption
  rocksdb::Env* env = nullptr;    // null: the real disk
};

// Writes that happen together or not at all. One thread.
class RocksBatch {
 public:
  ~RocksBatch();
  RocksBatch(RocksBatch&&) noexcept;

  void Put(Family family, std::string_view key, std::string_view value);
  void Delete(Family family, std::string_view key);
  // All keys in [begin, end).
  void DeleteRange(Family family, std::string_view begin, std::string_view end);
  // REQUIRES: the epoch exists (RocksStore::CreateLog).
  void PutLogRow(uint64_t epoch, uint64_t log_seq, std::string_view row);
  bool empty() const;
  size_t bytes() const;

 private:
  friend class RocksStore;
  struct Impl;
  explicit RocksBatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A sorted file under construction. One thread. Destroyed before Finish: the file stays half
// written (the staging folder is emptied at the next start).
class SortedFile {
 public:
  ~SortedFile();
  SortedFile(SortedFile&&) noexcept;
  // REQUIRES: keys ascend.
  Status Add(std::string_view key, std::string_view value);
  // Synced when it returns.
  Status Finish();
  uint64_t bytes() const;
  const std::string& path() const;

 private:
  friend class RocksStore;
  struct Impl;
  explicit SortedFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Thread-safe.
class RocksStore {
 public:
  static Result<std::unique_ptr<RocksStore>> Open(const RocksOptions& options);
  // Closes without syncing: what is not synced is left to the operating system.
  ~RocksStore();

  Result<std::optional<std::string>> Get(Family family, std::string_view key) const;
  // Calls `visit` for each pair with begin <= key < end (an empty end: no bound) until it returns
  // false.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  Status Scan(Family family, std::string_view begin, std::string_view end,
              const Visit& visit) const;
  // The same for whoever goes on without what is damaged: an unreadable block is passed over and
  // counted, at the cost of the keys in it.
  Status ScanReadable(Family family, std::string_view begin, std::string_view end,
                      const Visit& visit, uint64_t* damaged) const;
  // The last key of the family that is below `end` (empty: no bound).
  Result<std::optional<std::string>> LastKey(Family family, std::string_view end = {}) const;

  RocksBatch NewBatch() const;
  // Written to the WAL when it returns (survives kill -9); `sync`: and on the device.
  Status Write(RocksBatch& batch, bool sync);
  Status SyncWal();

  // The log epochs present, ascending.
  std::vector<uint64_t> Logs() const;
  Status CreateLog(uint64_t first_log_seq);
  Status DropLog(uint64_t first_log_seq);
  // From the row `from` on, as ScanReadable. kNotFound: there is no such epoch (any more); one that
  // is dropped meanwhile is read to its end.
  Status ScanLog(uint64_t first_log_seq, uint64_t from, const Visit& visit,
                 uint64_t* damaged) const;
  // Of an epoch; nothing when it has no row or is gone.
  Result<std::optional<uint64_t>> LastLogRow(uint64_t first_log_seq) const;
  // Bytes of the WAL files and of the log epochs.
  uint64_t LogBytes() const;
  // Memtables of the small families to files, so that they do not hold old WAL files alive.
  Status FlushSmallFamilies();

  Result<SortedFile> NewSortedFile(Family family, const std::string& path) const;
  // All files of all families at once, or none. Moves them.
  Status Ingest(const std::vector<std::pair<Family, std::vector<std::string>>>& files);
  // Removes [begin, end): whole files at once, the rest by a range deletion.
  Status DropRange(Family family, std::string_view begin, std::string_view end);
  // The first key of each table of the family, as the manifest has it: told without reading them.
  std::vector<std::string> FirstKeys(Family family) const;
  // The same with the bytes each takes on disk.
  std::vector<std::pair<std::string, uint64_t>> Tables(Family family) const;
  // Of all files ingested since it was opened.
  uint64_t file_bytes_written() const;
  // RocksDB's number of the family, which its tables name.
  uint64_t FamilyId(Family family) const;
  // Reads every block of every table: a line for each family in which one is damaged.
  std::vector<std::string> VerifyTables() const;
  // Files per level, for the tests of the key order.
  std::vector<int> FilesPerLevel(Family family) const;

  // Everything as of now, in a new folder: hard links where possible, the log copied.
  Status Checkpoint(const std::string& path) const;
  // Bytes that blocks and memtables take in the cache, and indexes of open tables beside it.
  uint64_t CacheBytes() const;
  // After a write has failed nothing is written (kIo, kNoSpace: the first error again) until this
  // succeeds: RocksDB must not touch a WAL again that it could not write. Closes the database and
  // opens it anew, while others wait; when it does not open, reads fail as well until the next
  // call.
  Status Resume();
  // Whether Resume is needed.
  bool failed() const;

 private:
  friend class RocksBatch;
  struct Impl;
  explicit RocksStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::storage
