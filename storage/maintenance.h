// Everything that is done in the background, one job at a time: sealing, log epochs, retention,
// merging, freeing what no view needs. Compact, DeleteSeries and Close do their part of it on the
// caller's thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/metrics.h"
#include "storage/commit_queue.h"
#include "storage/directory.h"
#include "storage/disk_guard.h"
#include "storage/folder.h"
#include "storage/guarded_clock.h"
#include "storage/head.h"
#include "storage/level_writer.h"
#include "storage/log.h"
#include "storage/log_epochs.h"
#include "storage/log_readers.h"
#include "storage/merger.h"
#include "storage/metadata_store.h"
#include "storage/recovery.h"
#include "storage/retention.h"
#include "storage/retention_classes.h"
#include "storage/rocks_store.h"
#include "storage/sealer.h"
#include "storage/series_collector.h"
#include "storage/series_index.h"

namespace tocsin::storage {

struct MaintenanceMetrics {
  Counter compactions;
  Counter compactions_failed;
  HistogramMetric compaction_seconds;
  Counter time_retentions;
  Counter size_retentions;
  Counter truncations_failed;
  Counter level_jobs;
  Counter level_samples;  // read for levels
  Counter level_bytes;    // of their files
};

// Thread-safe.
class Maintenance {
 public:
  struct Deps {
    RocksStore& store;
    const Folder& folder;
    SeriesIndex& index;
    Head& head;
    Directories& directories;
    Log& log;
    LogReaders& log_readers;
    CommitQueue& queue;
    RowLayouts& layouts;
    Clock& clock;
    MetadataStore& metadata;
    RetentionClasses& classes;
    MaintenanceMetrics metrics;
    bool levels = true;                // whether days get their 5m and 1h levels
    uint64_t log_budget = 64u << 20;   // bytes of WAL and log epochs
    uint64_t head_budget = 64u << 20;  // bytes of open data and index
    uint64_t late_budget = 16u << 20;  // bytes of late samples
    Duration snapshot_keep{0};
  };
  explicit Maintenance(const Deps& deps);

  // Before the first Tick: where numbers go on, and the files a crash left over.
  void Start(const Numbers& numbers, std::optional<Timestamp> guarded,
             const std::vector<keys::FileId>& contained);
  void SetRetention(Duration time, uint64_t size);
  // As Db::SetRetentionRules.
  Status SetRules(const RetentionRules& rules);

  // What is due now. Called every half a minute, and when there is pressure.
  void Tick();
  // Whether waiting for the next tick would cost memory, log or writes. Cheap.
  bool Pressed() const;
  // Seals everything, drops the spent log.
  Status Compact();
  // Seals as much as the budget allows, then drops the spent log and does what is due.
  Status SealForClose(Duration budget);
  Status CleanTombstones();
  Result<std::string> MakeSnapshot(bool skip_head);
  Status DeleteSeries(std::span<const Matcher> matchers, Timestamp from, Timestamp to);

  // No sample older than this is taken.
  Timestamp edge() const { return {edge_.load(std::memory_order_relaxed)}; }
  Duration retention_time() const { return Duration{keep_ms_.load(std::memory_order_relaxed)}; }
  uint64_t retention_size() const { return keep_bytes_.load(std::memory_order_relaxed); }

 private:
  // All of these: mutex_ is held.
  Status Seal(const SealRule& rule);
  uint64_t StreamBudget() const;  // thread-safe
  void SealDue();
  void Retain();
  Status DropUnusedMetadata();
  // One merge that is due. Full: also what need not be yet. False: nothing to do.
  Result<bool> MergeOne(bool full);
  // The same for the levels of one day.
  Result<bool> BuildLevelsOfOne(bool full);
  KeepTimes DefaultTimes() const;
  // Groups with a series that the rules of now put into another class than it has.
  std::vector<uint64_t> Misplaced() const;
  void UpdateLongest();
  void DropLevelsWithoutSamples();
  std::vector<Level> LevelsOf(uint8_t retention_class) const;
  // Days that end before it are closed: data, or the guarded clock, is well past them.
  Timestamp ClosedBefore() const;
  // By its name or metadata.
  bool IsCounter(uint64_t series_id) const;
  // Removes tombstones that mask nothing any more.
  Status DropSpentTombstones();
  // Makes room when the disk is full, and lets writes go on.
  void GuardDisk();
  // Those that are too old, or as many as it takes to free `excess` bytes, the oldest first; what
  // is still missing then.
  uint64_t DropSnapshots(uint64_t excess);
  // Urgent: there may be no space to write down that they go.
  Status Drop(const RetentionPlan& plan, bool urgent = false);
  void FreeUnused();
  Status PutFloors();
  void StoreGuardedClock();

  const Deps deps_;
  Sealer sealer_;
  Merger merger_;
  LevelWriter level_writer_;
  SeriesCollector collector_;
  LogEpochs epochs_;
  DiskGuard disk_;
  RetentionRules rules_;  // guarded by mutex_
  std::atomic<int64_t> edge_{kMinTimestamp.ms};
  std::atomic<int64_t> keep_ms_{0};
  std::atomic<uint64_t> keep_bytes_{0};

  std::mutex mutex_;  // one job at a time; guards what follows
  Numbers numbers_;
  GuardedClock guarded_{std::nullopt};
  Timestamp guarded_now_;
  MonotonicTime last_seal_;
  MonotonicTime last_retention_;
  MonotonicTime next_merge_;  // not before
  // When levels of a day were built last: late samples do not make that happen all the time.
  absl::flat_hash_map<std::pair<uint8_t, uint16_t>, MonotonicTime> levels_built_;
  absl::flat_hash_map<std::pair<uint8_t, uint16_t>, MonotonicTime> rolled_up_;
  bool first_tick_ = true;
  uint64_t snapshots_made_ = 0;
};

}  // namespace tocsin::storage
