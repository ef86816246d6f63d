#include "storage/db.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "storage/appender.h"
#include "storage/base/crash_point.h"
#include "storage/base/log.h"
#include "storage/commit_queue.h"
#include "storage/directory.h"
#include "storage/disk_guard.h"
#include "storage/exemplar_store.h"
#include "storage/folder.h"
#include "storage/group_cache.h"
#include "storage/head.h"
#include "storage/kv.h"
#include "storage/log.h"
#include "storage/maintenance.h"
#include "storage/memory_budget.h"
#include "storage/metadata_store.h"
#include "storage/metrics.h"
#include "storage/querier.h"
#include "storage/recovery.h"
#include "storage/repair.h"
#include "storage/retention_classes.h"
#include "storage/rocks_store.h"
#include "storage/row_layout.h"
#include "storage/series_index.h"
#include "storage/snapshots.h"
#include "storage/tail_reader.h"
#include "storage/task_gate.h"

namespace tocsin::storage {
namespace {

// Between two looks at what is due in the background.
constexpr Duration kTick{30'000};
// Between two looks whether it cannot wait so long.
constexpr Duration kLook{5'000};
constexpr int kLooksPerTick = 6;
static_assert(kLook * kLooksPerTick == kTick);

RocksOptions MakeRocksOptions(const Options& options, const Folder& folder) {
  const MemoryBudget budget = MemoryBudget::Of(options.memory_max);
  RocksOptions rocks;
  rocks.path = folder.db();
  rocks.cache_bytes = budget.cache;
  rocks.write_buffers_bytes = budget.write_buffers;
  rocks.log_write_buffer_bytes = options.memory_max >= (256u << 20) ? 4u << 20 : 1u << 20;
  rocks.max_wal_bytes = budget.log_bytes;
  rocks.env = options.env;
  return rocks;
}

uint64_t SeriesMax(const Options& options) {
  return options.series_max != 0 ? options.series_max : MemoryBudget::Of(options.memory_max).series;
}

class DbImpl final : public Db {
 public:
  DbImpl(const Options& options, const Ports& ports, Folder folder,
         std::unique_ptr<RocksStore> store);
  ~DbImpl() override;

  // After the constructor: reads what is there, replays the log.
  Status Recover(const Repairs& repairs);

  std::unique_ptr<Appender> NewAppender() override { return MakeAppender(appender_deps_); }

  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, Timestamp from,
                                            Timestamp to, const SelectHints& hints) const override {
    return querier_.Select(matchers, from, to, hints);
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, Timestamp from,
                                              Timestamp to) const override {
    return querier_.LabelNames(matchers, from, to);
  }
  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               std::span<const Matcher> matchers, Timestamp from,
                                               Timestamp to) const override {
    return querier_.LabelValues(name, matchers, from, to);
  }
  std::vector<std::pair<std::string, Metadata>> MetricMetadata(
      const std::string& metric) const override {
    return metadata_.Get(metric);
  }

  Result<std::vector<SeriesExemplars>> Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                 Timestamp from, Timestamp to) const override {
    return querier_.Exemplars(selectors, from, to);
  }

  std::string TailEnd() const override { return EndOfLog(tail_deps_).Encode(); }
  std::string TailBegin() const override { return TailPosition().Encode(); }
  Timestamp TailNewest() const override { return head_.max_time(); }
  Result<std::unique_ptr<Tail>> OpenTail(const std::string& position) override {
    TOCSIN_ASSIGN(TailPosition decoded, TailPosition::Decode(position));
    return std::unique_ptr<Tail>(std::make_unique<TailReader>(tail_deps_, std::move(decoded)));
  }

  void SetRetention(Duration time, uint64_t size) override;
  Status SetRetentionRules(const RetentionRules& rules) override {
    return maintenance_.SetRules(rules);
  }
  Status SetMaxExemplars(size_t max) override {
    return queue_.RunAlone([&] { return exemplars_.SetMax(*store_, max); });
  }
  KvStore& kv() override { return kv_; }
  DbStats Stats() const override;
  Status Compact() override;
  Status DeleteSeries(std::span<const Matcher> matchers, Timestamp from, Timestamp to) override;
  Status CleanTombstones() override { return maintenance_.CleanTombstones(); }
  Result<std::string> MakeSnapshot(bool skip_head) override {
    return maintenance_.MakeSnapshot(skip_head);
  }
  std::vector<Snapshot> Snapshots() const override {
    std::vector<Snapshot> out;
    for (SnapshotInfo& info : ListSnapshots(folder_))
      out.push_back({std::move(info.name), info.made});
    return out;
  }
  Status Close(Duration budget) override;

 private:
  CommitQueue::Deps QueueDeps();
  Maintenance::Deps MaintenanceDeps();
  MetricSources Sources();
  // Counts and logs it, and keeps numbers that may be lost from being given again.
  void ReportDamage(const Repairs& repairs, const Recovered& recovered);
  void ScheduleSync();
  void ScheduleTick();

  const Options options_;
  const Ports ports_;
  const Folder folder_;
  const std::unique_ptr<RocksStore> store_;
  TaskGate gate_;
  Counter corruptions_;

  RetentionClasses classes_;
  Head head_;
  SeriesIndex index_;
  MetadataStore metadata_;
  ExemplarStore exemplars_;
  Directories directories_;
  RowLayouts layouts_{head_};
  Log log_;
  LogReaders log_readers_;
  CommitQueue queue_;
  Maintenance maintenance_;
  std::atomic<int64_t> refused_logged_ns_{0};
  AppenderDeps appender_deps_;
  GroupCache groups_;
  Querier querier_;
  TailDeps tail_deps_;
  RocksKv kv_;

  std::unique_ptr<StorageMetrics> metrics_;

  std::mutex timer_mutex_;
  Timer sync_timer_;      // guarded by timer_mutex_
  Timer tick_timer_;      // guarded by timer_mutex_
  bool closing_ = false;  // guarded by timer_mutex_
  int looks_ = 0;         // since the last tick; one at a time
};

DbImpl::DbImpl(const Options& options, const Ports& ports, Folder folder,
               std::unique_ptr<RocksStore> store)
    : options_(options),
      ports_(ports),
      folder_(std::move(folder)),
      store_(std::move(store)),
      corruptions_(ports.metrics.GetCounter("tocsin_storage_corruptions_total",
                                            "Damaged rows and files met since the start.")),
      index_(
          SeriesMax(options),
          [this](uint64_t group, uint8_t retention_class) {
            Group& of_series = head_.GroupFor(group);
            of_series.SetRetentionClass(retention_class);
            std::lock_guard lock(of_series.mutex());
            of_series.Touch(ports_.clock.Monotonic(), 0);
          },
          [this](const Labels& labels) { return classes_.ClassOf(labels); }),
      metadata_(MemoryBudget::Of(options.memory_max).metadata,
                ports.metrics.GetCounter("tocsin_storage_metadata_refused_total",
                                         "Type, unit and help of metric families that there was "
                                         "no room for.")),
      exemplars_(options.exemplars_max),
      log_(*store_),
      queue_(QueueDeps(), options.sync_interval.count() <= 0),
      maintenance_(MaintenanceDeps()),
      appender_deps_{index_,
                     head_,
                     layouts_,
                     metadata_,
                     exemplars_,
                     queue_,
                     ports.clock,
                     [this] { return maintenance_.edge(); },
                     ports.metrics.GetCounter(
                         "prometheus_tsdb_out_of_bound_samples_total",
                         "Total number of out of bound samples ingestion failed attempts."),
                     ports.metrics.GetCounter("tocsin_storage_series_refused_total",
                                              "New series refused for the series limit."),
                     refused_logged_ns_},
      groups_(MemoryBudget::Of(options.memory_max).opened),
      querier_(*store_, groups_, index_, head_, exemplars_, directories_, corruptions_),
      tail_deps_{*store_, index_, directories_, log_, log_readers_, corruptions_},
      kv_(*store_, [this] { queue_.NoteWrite(); }) {}

CommitQueue::Deps DbImpl::QueueDeps() {
  CommitMetrics metrics;
  metrics.duplicates =
      ports_.metrics.GetCounter("tocsin_storage_duplicate_samples_total",
                                "Samples refused because another value is stored at their time.");
  metrics.sync_seconds = ports_.metrics.GetHistogram(
      "prometheus_tsdb_wal_fsync_duration_seconds", "Duration of log syncs.",
      {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3});
  metrics.failed = ports_.metrics.GetCounter("tocsin_storage_failed_commits_total",
                                             "Batches that could not be logged.");
  metrics.unlogged = ports_.metrics.GetCounter(
      "tocsin_storage_unlogged_samples_total",
      "Samples that a full disk refused and that are in memory only until they are sealed.");
  const auto head_has_room = [this, share = MemoryBudget::Of(options_.memory_max).head] {
    return head_.buffer_bytes() < share;
  };
  return {*store_,      index_,        head_,       log_,  metadata_, exemplars_,
          ports_.clock, ports_.commit, ports_.sync, gate_, metrics,   head_has_room};
}

DbImpl::~DbImpl() {
  {
    std::lock_guard lock(timer_mutex_);
    closing_ = true;
    sync_timer_.Cancel();
    tick_timer_.Cancel();
  }
  gate_.Close();
  metrics_.reset();
}

Status DbImpl::Recover(const Repairs& repairs) {
  const MonotonicTime begin = ports_.clock.Monotonic();
  TOCSIN_RETURN_IF_ERROR(CheckFormat(*store_, !repairs.steps.empty()));
  TOCSIN_ASSIGN(Recovered recovered, ReadDirectory(*store_));
  TOCSIN_RETURN_IF_ERROR(classes_.Load(*store_));
  TOCSIN_RETURN_IF_ERROR(index_.Load(*store_, &recovered.damaged_values));
  index_.ReserveBelow(recovered.numbers.group, recovered.numbers.symbol);
  TOCSIN_RETURN_IF_ERROR(metadata_.Load(*store_, &recovered.damaged_values));
  TOCSIN_RETURN_IF_ERROR(exemplars_.Load(*store_, index_, &recovered.damaged_values));
  TOCSIN_RETURN_IF_ERROR(ReplayLog(*store_, index_, head_, ports_.clock.Monotonic(), &recovered));
  ReportDamage(repairs, recovered);
  directories_.Publish(std::move(recovered.directory));
  log_readers_.SetDropped(recovered.log_dropped);

  Numbers& numbers = recovered.numbers;
  numbers.log_seq += kLogSeqGap;
  numbers.group = std::max(numbers.group, index_.next_group());
  numbers.symbol = std::max<uint64_t>(numbers.symbol, index_.symbols().last() + uint64_t{1});
  RocksBatch batch = store_->NewBatch();
  batch.Put(Family::kDefault, keys::Floors(), EncodeFloors(numbers));
  TOCSIN_RETURN_IF_ERROR(store_->Write(batch, /*sync=*/true));
  CrashPoint("replay.floors");
  TOCSIN_RETURN_IF_ERROR(log_.Start(numbers.log_seq));
  CrashPoint("replay.done");
  maintenance_.SetRetention(options_.retention_time, options_.retention_size);
  maintenance_.Start(numbers, recovered.guarded, recovered.contained);
  metrics_ = std::make_unique<StorageMetrics>(ports_.metrics, gate_, Sources());
  ports_.metrics
      .GetGauge("prometheus_tsdb_data_replay_duration_seconds",
                "Time taken to replay the log at the start.")
      .Set(ToSeconds(ports_.clock.Monotonic() - begin));
  ScheduleSync();
  ScheduleTick();
  return OkStatus();
}

void DbImpl::ReportDamage(const Repairs& repairs, const Recovered& recovered) {
  for (const Repairs::Step& step : repairs.steps)
    ports_.metrics
        .GetCounter("tocsin_storage_repairs_total",
                    "Repairs of the database at the start, by what was done.",
                    {{"step", step.what}})
        .Add();
  const uint64_t met = recovered.damaged_rows + recovered.damaged_files + recovered.damaged_values;
  const uint64_t all = met + repairs.damages();
  if (all == 0) return;
  corruptions_.Add(static_cast<double>(all));
  index_.StartNewGroups(recovered.numbers.group);
  if (met > 0)
    log::Warn("the database was damaged; what is readable is there",
              {{"rows", recovered.damaged_rows},
               {"files", recovered.damaged_files},
               {"values", recovered.damaged_values}});
}

MetricSources DbImpl::Sources() {
  const auto number = [](auto get) { return [get] { return static_cast<double>(get()); }; };
  const auto time = [](Timestamp t) {
    return t == kMinTimestamp || t == kMaxTimestamp ? 0.0 : static_cast<double>(t.ms);
  };
  MetricSources of;
  of.series = number([this] { return index_.size(); });
  of.series_created = number([this] { return index_.created(); });
  of.series_removed = number([this] { return index_.removed(); });
  of.streams = number([this] { return head_.Survey().streams; });
  of.samples = number([this] { return head_.samples_appended(); });
  of.late_samples = number([this] { return head_.late_samples(); });
  of.min_time_ms = [this, time] { return time(head_.Survey().min_time); };
  of.max_time_ms = [this, time] { return time(head_.max_time()); };
  of.lowest_ms = [this, time] {
    Timestamp lowest = head_.Survey().min_time;
    for (const SealedFilePtr& file : directories_.View()->files)
      lowest = std::min(lowest, file->header.min_time);
    return time(lowest);
  };
  of.files = number([this] { return directories_.View()->files.size(); });
  of.file_bytes = number([this] {
    uint64_t bytes = 0;
    for (const SealedFilePtr& file : directories_.View()->files) bytes += file->header.bytes;
    return bytes;
  });
  of.log_bytes = number([this] { return store_->LogBytes(); });
  of.symbol_bytes = number([this] { return index_.symbols().bytes(); });
  of.exemplars = number([this] { return exemplars_.counts().exemplars; });
  of.exemplar_series = number([this] { return exemplars_.counts().series; });
  of.exemplars_appended = number([this] { return exemplars_.counts().appended; });
  of.exemplars_max = number([this] { return exemplars_.max(); });
  of.oldest_exemplar_seconds = [this] {
    const Timestamp oldest = exemplars_.counts().oldest;
    return oldest == kMaxTimestamp ? 0.0 : static_cast<double>(oldest.ms) / 1000;
  };
  of.retention_seconds = [this] {
    return static_cast<double>(maintenance_.retention_time().count()) / 1000;
  };
  of.file_bytes_written = number([this] { return store_->file_bytes_written(); });
  const auto level_bytes = [this](Level level) {
    double bytes = 0;
    if (level == Level::kRaw)
      for (const auto& [key, size] : store_->Tables(Family::kRaw))
        bytes += static_cast<double>(size);
    else
      for (const auto& [key, size] : store_->Tables(Family::kLvl))
        if (const auto id = keys::ParseLevelFileId(key); id && id->level == uint8_t(level))
          bytes += static_cast<double>(size);
    return bytes;
  };
  of.raw_bytes = [level_bytes] { return level_bytes(Level::kRaw); };
  of.five_minute_bytes = [level_bytes] { return level_bytes(Level::k5m); };
  of.one_hour_bytes = [level_bytes] { return level_bytes(Level::k1h); };
  of.retention_bytes = number([this] { return maintenance_.retention_size(); });
  of.opened_bytes = number([this] { return groups_.stats().bytes; });
  of.opened_hits = number([this] { return groups_.stats().hits; });
  of.opened_misses = number([this] { return groups_.stats().misses; });
  return of;
}

void DbImpl::ScheduleSync() {
  if (options_.sync_interval.count() <= 0) return;
  std::lock_guard lock(timer_mutex_);
  if (closing_) return;
  sync_timer_ = ports_.scheduler.After(options_.sync_interval, gate_.Wrap([this] {
    if (queue_.dirty() && !store_->failed())
      ports_.sync.Post(gate_.Wrap([this] {
        const Status synced = queue_.Sync();
        if (!synced.ok()) log::Error("the log was not synced", {{"err", synced.error().message()}});
      }));
    ScheduleSync();
  }));
}

void DbImpl::ScheduleTick() {
  std::lock_guard lock(timer_mutex_);
  if (closing_) return;
  tick_timer_ = ports_.scheduler.After(kLook, gate_.Wrap([this] {
    if (++looks_ < kLooksPerTick && !maintenance_.Pressed()) return ScheduleTick();
    looks_ = 0;
    // The next one is timed when this one is done, so that they never pile up.
    ports_.background.Post(gate_.Wrap([this] {
      maintenance_.Tick();
      ScheduleTick();
    }));
  }));
}

Maintenance::Deps DbImpl::MaintenanceDeps() {
  MetricRegistry& registry = ports_.metrics;
  MaintenanceMetrics metrics;
  metrics.compactions = registry.GetCounter("prometheus_tsdb_compactions_total",
                                            "Total number of passes that wrote sealed files.");
  metrics.compactions_failed = registry.GetCounter("prometheus_tsdb_compactions_failed_total",
                                                   "Total number of passes that failed.");
  metrics.compaction_seconds =
      registry.GetHistogram("prometheus_tsdb_compaction_duration_seconds", "Duration of passes.",
                            {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100});
  metrics.time_retentions =
      registry.GetCounter("prometheus_tsdb_time_retentions_total",
                          "The number of times that files were dropped for their age.");
  metrics.size_retentions =
      registry.GetCounter("prometheus_tsdb_size_retentions_total",
                          "The number of times that files were dropped for their size.");
  metrics.truncations_failed = registry.GetCounter("prometheus_tsdb_wal_truncations_failed_total",
                                                   "Total number of failed log truncations.");
  metrics.level_jobs = registry.GetCounter("tocsin_storage_level_builds_total",
                                           "Days whose 5m and 1h levels were built.");
  metrics.level_samples = registry.GetCounter("tocsin_storage_level_samples_read_total",
                                              "Samples read to build levels.");
  metrics.level_bytes = registry.GetCounter("tocsin_storage_level_bytes_written_total",
                                            "Bytes of the levels that were built.");
  const MemoryBudget budget = MemoryBudget::Of(options_.memory_max);
  return {*store_,      folder_,         index_,
          head_,        directories_,    log_,
          log_readers_, queue_,          layouts_,
          ports_.clock, metadata_,       classes_,
          metrics,      options_.levels, budget.log_bytes,
          budget.head,  budget.late,     options_.snapshot_keep};
}

void DbImpl::SetRetention(Duration time, uint64_t size) { maintenance_.SetRetention(time, size); }

DbStats DbImpl::Stats() const {
  DbStats stats;
  stats.series = index_.size();
  stats.label_pairs = index_.label_pairs();
  stats.min_time = head_.Survey().min_time;
  stats.max_time = head_.max_time();
  stats.disk_bytes = BytesOnDisk(folder_);
  stats.samples_appended = head_.samples_appended();
  stats.corruptions = static_cast<uint64_t>(corruptions_.Value());
  return stats;
}

Status DbImpl::Compact() { return maintenance_.Compact(); }

Status DbImpl::DeleteSeries(std::span<const Matcher> matchers, Timestamp from, Timestamp to) {
  return maintenance_.DeleteSeries(matchers, from, to);
}

Status DbImpl::Close(Duration budget) {
  queue_.Close();
  const Status sealed = maintenance_.SealForClose(budget);
  if (!sealed.ok())
    log::Error("open data was not sealed; it stays in the log",
               {{"err", sealed.error().message()}});
  return queue_.Sync();
}

}  // namespace

Result<std::unique_ptr<Db>> Db::Open(const Options& options, const Ports& ports) {
  TOCSIN_ASSIGN(Folder folder, OpenFolder(options.path));
  const RocksOptions rocks = MakeRocksOptions(options, folder);
  Repairs repairs;
  auto opened = OpenOrRepair(rocks, folder, ports.clock.Now(), &repairs);
  // Opening takes space, too; the ballast was kept for this.
  if (!opened.ok() && opened.error().code() == ErrorCode::kNoSpace &&
      DiskGuard(folder).DropBallast()) {
    log::Warn("the disk is full; the ballast was released");
    opened = OpenOrRepair(rocks, folder, ports.clock.Now(), &repairs);
  }
  TOCSIN_ASSIGN(auto store, std::move(opened));
  TOCSIN_RETURN_IF_ERROR(ClearStaging(folder));
  auto db = std::make_unique<DbImpl>(options, ports, std::move(folder), std::move(store));
  TOCSIN_RETURN_IF_ERROR(db->Recover(repairs));
  return std::unique_ptr<Db>(std::move(db));
}

Result<std::vector<std::string>> RepairByHand(const Options& options, const Ports& ports,
                                              bool rebuild) {
  TOCSIN_ASSIGN(Folder folder, OpenFolder(options.path));
  const RocksOptions rocks = MakeRocksOptions(options, folder);
  Repairs repairs;
  if (rebuild) {
    Repairs::Step step{"rebuilt", "asked for", 0, 0, 0};
    repairs.kept = folder.damaged() + "/" + std::to_string(ports.clock.Now().ms) + "-by-hand";
    TOCSIN_RETURN_IF_ERROR(Rebuild(rocks, folder, repairs.kept, &step));
    repairs.steps.push_back(std::move(step));
  }
  TOCSIN_ASSIGN(auto store, OpenOrRepair(rocks, folder, ports.clock.Now(), &repairs));
  std::vector<std::string> lines;
  for (const Repairs::Step& step : repairs.steps)
    lines.push_back("repaired: " + step.what + " (" + step.why +
                    "); tables lost: " + std::to_string(step.tables_lost) +
                    ", places of the log lost: " + std::to_string(step.log_places) +
                    ", bytes: " + std::to_string(step.log_bytes));
  if (!repairs.kept.empty()) lines.push_back("the originals are in " + repairs.kept);
  for (std::string& damage : store->VerifyTables()) lines.push_back(std::move(damage));
  store.reset();
  TOCSIN_ASSIGN(const auto db, Db::Open(options, ports));
  const DbStats stats = db->Stats();
  lines.push_back(std::to_string(stats.series) +
                  " series; damaged values and rows met: " + std::to_string(stats.corruptions));
  TOCSIN_RETURN_IF_ERROR(db->Close(Duration{0}));
  return lines;
}

}  // namespace tocsin::storage
