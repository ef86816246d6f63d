#include "storage/maintenance.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "storage/base/coding.h"
#include "storage/base/crash_point.h"
#include "storage/base/log.h"
#include "storage/memory_budget.h"
#include "storage/snapshots.h"

namespace tocsin::storage {
namespace {

using std::chrono::minutes;

constexpr std::chrono::nanoseconds kSealInterval = minutes(5);
constexpr std::chrono::nanoseconds kPressedInterval = minutes(1);
constexpr std::chrono::nanoseconds kRetentionInterval = minutes(10);
constexpr std::chrono::nanoseconds kMergeRetry = minutes(60);
// A day is closed when data is this far, or the clock that far past its end.
constexpr Duration kDayGrace = minutes(60);
constexpr Duration kDayPatience = minutes(360);
// A closed day is rewritten for late samples, and its levels built again, at most this often.
constexpr std::chrono::nanoseconds kLateInterval = minutes(60);
// Groups of one pass when time is short.
constexpr size_t kGroupsPerPass = 256;
// A commit that is being logged right now may take numbers behind the log's next one.
constexpr uint64_t kInFlight = 1u << 16;

}  // namespace

Maintenance::Maintenance(const Deps& deps)
    : deps_(deps),
      sealer_({deps.store, deps.folder, deps.head, deps.directories,
               [&queue = deps.queue] { return queue.Sync(); }}),
      merger_({deps.store, deps.folder, deps.directories}),
      level_writer_({deps.store, deps.folder, deps.directories,
                     [this](uint64_t series_id) { return IsCounter(series_id); }}),
      collector_({deps.store, deps.index, deps.head, deps.directories, deps.queue, deps.layouts,
                  deps.clock, [this] { return PutFloors(); },
                  [this] {
                    if (deps_.classes.any()) UpdateLongest();
                  }}),
      epochs_({deps.store, deps.head, deps.log, deps.log_readers, deps.queue, deps.clock,
               deps.log_budget, [this] { return PutFloors(); }}),
      disk_(deps.folder) {}

void Maintenance::Start(const Numbers& numbers, std::optional<Timestamp> guarded,
                        const std::vector<keys::FileId>& contained) {
  std::lock_guard lock(mutex_);
  numbers_ = numbers;
  guarded_ = GuardedClock(guarded);
  edge_.store(deps_.directories.View()->RawEdge().ms, std::memory_order_relaxed);
  const MonotonicTime now = deps_.clock.Monotonic();
  last_seal_ = last_retention_ = now;
  epochs_.Start(now);
  for (const keys::FileId& file : contained) {
    const Status dropped =
        deps_.store.DropRange(file.family(), keys::FilePrefix(file), keys::FileEnd(file));
    if (!dropped.ok())
      log::Warn("a file that is not needed was not removed", {{"err", dropped.error().message()}});
  }
  // The spent log goes at the first tick: who wants to read on in it has come back by then.
}

void Maintenance::SetRetention(Duration time, uint64_t size) {
  keep_ms_.store(time.count(), std::memory_order_relaxed);
  keep_bytes_.store(size, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  deps_.classes.SetDefault(DefaultTimes());
}

void Maintenance::Tick() {
  std::lock_guard lock(mutex_);
  const MonotonicTime now = deps_.clock.Monotonic();
  guarded_now_ = guarded_.Tick(deps_.clock.Now(), now);
  GuardDisk();
  SealDue();
  const Status rolled = epochs_.Roll(/*at_once=*/false);
  if (!rolled.ok()) {
    deps_.metrics.truncations_failed.Add();
    log::Warn("the log was not truncated", {{"err", rolled.error().message()}});
  }
  if (first_tick_ || now - last_retention_ >= kRetentionInterval) {
    first_tick_ = false;
    last_retention_ = now;
    StoreGuardedClock();
    Retain();
    if (const Status s = DropSpentTombstones(); !s.ok())
      log::Warn("spent tombstones were not removed", {{"err", s.error().message()}});
    const Status collected = collector_.Collect();
    if (!collected.ok())
      log::Warn("series without samples were not removed", {{"err", collected.error().message()}});
  }
  if (const Status s = DropUnusedMetadata(); !s.ok())
    log::Warn("metadata without series was not removed", {{"err", s.error().message()}});
  bool worked = false;
  if (now >= next_merge_) {
    const auto merged = MergeOne(/*full=*/false);
    worked = merged.ok() && *merged;
    if (!merged.ok()) {
      next_merge_ = {now.since_start + kMergeRetry};
      log::Error("files were not merged", {{"err", merged.error().message()}});
    }
  }
  if (!worked) {
    const auto built = BuildLevelsOfOne(/*full=*/false);
    if (!built.ok()) log::Error("levels were not built", {{"err", built.error().message()}});
  }
  FreeUnused();
}

void Maintenance::GuardDisk() {
  const bool failing = deps_.store.failed();
  uint64_t missing = disk_.Missing();
  if (missing == 0 && !failing) {
    disk_.KeepBallast();
    return;
  }
  if (failing && disk_.DropBallast()) log::Warn("writes fail; the ballast was released");
  missing = disk_.Missing();
  if (missing > 0) missing = DropSnapshots(missing);
  if (missing > 0) {
    const RetentionPlan plan = PlanBySize(*deps_.directories.View(), missing);
    log::Error("the disk is full; the oldest data goes",
               {{"missing_bytes", missing}, {"files", plan.drop.size()}});
    if (!plan.drop.empty()) {
      deps_.metrics.size_retentions.Add();
      if (const Status s = Drop(plan, /*urgent=*/true); !s.ok())
        log::Warn("dropped data may come back after a crash", {{"err", s.error().message()}});
      FreeUnused();
    }
  }
  if (!failing) return;
  const Status resumed = deps_.store.Resume();
  if (!resumed.ok())
    log::Error("the database does not take writes", {{"err", resumed.error().message()}});
}

uint64_t Maintenance::DropSnapshots(uint64_t excess) {
  for (const SnapshotInfo& snapshot : ListSnapshots(deps_.folder)) {
    const bool old = deps_.snapshot_keep.count() > 0 && guarded_now_ != Timestamp{} &&
                     snapshot.made + deps_.snapshot_keep <= guarded_now_;
    if (!old && excess == 0) continue;
    const uint64_t before = excess == 0 ? 0 : BytesOnDisk(deps_.folder);
    if (const Status removed = RemoveSnapshot(deps_.folder, snapshot.name); !removed.ok()) {
      log::Warn("a snapshot was not removed", {{"err", removed.error().message()}});
      continue;
    }
    log::Info("a snapshot was removed",
              {{"name", snapshot.name}, {"why", old ? "its time is over" : "space is short"}});
    if (excess > 0)
      excess -= std::min(excess, before - std::min(before, BytesOnDisk(deps_.folder)));
  }
  return excess;
}

Result<bool> Maintenance::MergeOne(bool full) {
  const DirectoryPtr view = deps_.directories.View();
  const auto too_early = [this](uint8_t retention_class, uint16_t day) {
    const auto at = rolled_up_.find({retention_class, day});
    return at != rolled_up_.end() && deps_.clock.Monotonic() - at->second < kLateInterval;
  };
  const MergePlan plan =
      full ? PlanFullMerge(*view, ClosedBefore()) : PlanMerge(*view, ClosedBefore(), too_early);
  if (plan.inputs.empty()) return false;
  const MonotonicTime begin = deps_.clock.Monotonic();
  const std::vector<uint64_t> epochs = deps_.store.Logs();
  if (plan.whole_day) {
    absl::erase_if(rolled_up_,
                   [&](const auto& entry) { return begin - entry.second >= kLateInterval; });
    // Also when it fails: other days go on.
    rolled_up_[{plan.inputs.front()->id.retention_class, plan.inputs.front()->id.day}] = begin;
  }
  const Status merged =
      merger_.Merge(plan, numbers_.seal_seq++, epochs.empty() ? 0 : epochs.front());
  if (!merged.ok()) {
    deps_.metrics.compactions_failed.Add();
    return merged.error();
  }
  deps_.metrics.compactions.Add();
  deps_.metrics.compaction_seconds.Observe(ToSeconds(deps_.clock.Monotonic() - begin));
  TOCSIN_RETURN_IF_ERROR(DropSpentTombstones());
  return true;
}

Timestamp Maintenance::ClosedBefore() const {
  const Timestamp newest = std::clamp(deps_.head.max_time(), kMinStorable, kMaxStorable);
  return std::max(newest - kDayGrace, guarded_now_ - kDayPatience);
}

KeepTimes Maintenance::DefaultTimes() const {
  KeepTimes keep;
  if (retention_time().count() > 0) keep.raw = retention_time();
  if (!deps_.levels) return keep;
  keep.five_minutes = rules_.five_minutes.value_or(keep.raw);
  keep.one_hour = rules_.one_hour.value_or(keep.raw);
  return keep;
}

Status Maintenance::SetRules(const RetentionRules& rules) {
  std::lock_guard lock(mutex_);
  const RetentionRules before = std::exchange(rules_, rules);
  deps_.classes.SetDefault(DefaultTimes());
  if (Status set = deps_.classes.SetRules(rules); !set.ok()) {
    rules_ = before;
    deps_.classes.SetDefault(DefaultTimes());
    return set;
  }
  RocksBatch batch = deps_.store.NewBatch();
  for (const auto& [key, value] : deps_.classes.TakeNew()) batch.Put(Family::kDefault, key, value);
  if (!batch.empty()) TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/true));
  if (!deps_.classes.any()) return OkStatus();
  const std::vector<uint64_t> misplaced = Misplaced();
  if (!misplaced.empty()) {
    TOCSIN_RETURN_IF_ERROR(deps_.queue.RunAlone([&]() -> Status {
      deps_.index.Retire(misplaced);
      deps_.layouts.Clear();
      deps_.index.NextGeneration();
      return OkStatus();
    }));
    log::Info("series go on in other retention classes", {{"groups", misplaced.size()}});
  }
  UpdateLongest();
  return OkStatus();
}

std::vector<uint64_t> Maintenance::Misplaced() const {
  std::vector<uint64_t> groups;
  deps_.index.ForEach([&](const Series& series) {
    if (series.retired.load(std::memory_order_relaxed)) return;
    if (deps_.classes.ClassOf(deps_.index.LabelsOf(series)) != series.retention_class)
      groups.push_back(GroupOf(series.id));
  });
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

// Only series that are not where the rules put them now can keep a class longer than its own times.
void Maintenance::UpdateLongest() {
  std::vector<std::optional<KeepTimes>> longest(256);
  const auto take = [&](const Series& series) {
    std::optional<KeepTimes>& of = longest[series.retention_class];
    const KeepTimes times = deps_.classes.TimesOf(deps_.index.LabelsOf(series));
    of = of ? Longer(*of, times) : times;
  };
  deps_.index.ForEach([&](const Series& series) {
    if (series.retired.load(std::memory_order_relaxed)) take(series);
  });
  const IdRanges cold = deps_.index.cold()->groups();
  for (const IdRange& range : cold.ranges())
    for (uint64_t group = range.first; group - range.first < range.length; ++group)
      if (const auto stored = deps_.index.cold()->Read(group); stored.ok())
        for (const StoredSeries& series : *stored) take(*MakeSeries(series));
  deps_.classes.SetLongest(std::move(longest));
}

std::vector<Level> Maintenance::LevelsOf(uint8_t retention_class) const {
  std::vector<Level> levels;
  for (const Level level : kLevels)
    if (deps_.classes.KeepOf(retention_class).of(level).count() > 0) levels.push_back(level);
  return levels;
}

// All samples of such a day were deleted by hand; its levels mask them, and can go.
void Maintenance::DropLevelsWithoutSamples() {
  Directory next = *deps_.directories.View();
  const size_t before = next.levels.size();
  std::erase_if(next.levels, [&](const SealedFilePtr& level) {
    const uint8_t retention_class = level->id.retention_class;
    const Timestamp begin = DayStart(level->id.day);
    if (next.EdgeOf(retention_class, Level::kRaw) > begin) return false;
    const auto raw = next.OfDays(begin, begin);
    return std::none_of(raw.begin(), raw.end(), [&](const SealedFilePtr& file) {
      return file->id.retention_class == retention_class;
    });
  });
  if (next.levels.size() != before) deps_.directories.Publish(std::move(next));
}

bool Maintenance::IsCounter(uint64_t series_id) const {
  const auto labels = deps_.index.FindLabels({series_id});
  if (!labels) return false;
  const std::string name(labels->Get(kMetricName));
  for (const std::string_view ending : {"_total", "_count", "_sum", "_bucket"})
    if (name.ends_with(ending)) return true;
  const auto known = deps_.metadata.Get(name);
  return !known.empty() && (known.front().second.type == MetricType::kCounter ||
                            known.front().second.type == MetricType::kHistogram);
}

Result<bool> Maintenance::BuildLevelsOfOne(bool full) {
  const MonotonicTime now = deps_.clock.Monotonic();
  const auto too_early = [&](uint8_t retention_class, uint16_t day) {
    const auto built = levels_built_.find({retention_class, day});
    return !full && built != levels_built_.end() && now - built->second < kLateInterval;
  };
  const LevelJob job = PlanLevels(
      *deps_.directories.View(), ClosedBefore(), [this](uint8_t c) { return LevelsOf(c); },
      too_early);
  if (job.empty()) return false;
  absl::erase_if(levels_built_,
                 [&](const auto& entry) { return now - entry.second >= kLateInterval; });
  levels_built_[{job.retention_class, job.day}] = now;
  TOCSIN_ASSIGN(const auto outcome, level_writer_.Write(job, numbers_.seal_seq++));
  deps_.metrics.level_jobs.Add();
  deps_.metrics.level_samples.Add(static_cast<double>(outcome.samples));
  deps_.metrics.level_bytes.Add(static_cast<double>(outcome.bytes));
  log::Debug("built levels", {{"day", job.day},
                              {"samples", outcome.samples},
                              {"bytes", outcome.bytes},
                              {"seconds", ToSeconds(deps_.clock.Monotonic() - now)}});
  return true;
}

Status Maintenance::DropSpentTombstones() {
  DropLevelsWithoutSamples();
  Directory next = *deps_.directories.View();
  RocksBatch batch = deps_.store.NewBatch();
  std::erase_if(next.tombstones, [&](const Tombstone& tombstone) {
    const bool needed =
        std::any_of(next.files.begin(), next.files.end(),
                    [&](const SealedFilePtr& file) {
                      return file->header.covers.back() <= tombstone.bound_seal_seq &&
                             file->header.tombstone < tombstone.number &&
                             file->Overlaps(tombstone.from, tombstone.to);
                    }) ||
        std::any_of(next.levels.begin(), next.levels.end(), [&](const SealedFilePtr& file) {
          return file->header.tombstone < tombstone.number &&
                 file->Overlaps(tombstone.from, tombstone.to) &&
                 std::any_of(tombstone.series.begin(), tombstone.series.end(), [&](uint64_t id) {
                   return file->header.groups.Contains(GroupOf(id));
                 });
        });
    if (!needed) batch.Delete(Family::kDefault, keys::Tombstone(tombstone.number));
    return !needed;
  });
  if (batch.empty()) return OkStatus();
  // The masked files must be gone before what masks them: a crash may bring back neither.
  deps_.directories.Publish(std::move(next));
  FreeUnused();
  if (deps_.directories.HasUnused()) return OkStatus();
  CrashPoint("tombstones.spent");
  TOCSIN_RETURN_IF_ERROR(PutFloors());
  TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/true));
  CrashPoint("tombstones.dropped");
  return OkStatus();
}

// Families come back when they are said again; until then there is nothing they would explain.
Status Maintenance::DropUnusedMetadata() {
  if (!deps_.metadata.crowded()) return OkStatus();
  const SymbolTable& symbols = deps_.index.symbols();
  const Symbol name = symbols.Find(kMetricName);
  std::vector<Symbol> metrics = deps_.index.ValuesOf(name, [](const Series&) { return true; });
  if (const ColdSeries& cold = *deps_.index.cold(); !cold.empty()) {
    TOCSIN_ASSIGN(const std::vector<Symbol> more,
                  cold.Values(name, 0, std::numeric_limits<uint16_t>::max()));
    metrics.insert(metrics.end(), more.begin(), more.end());
  }
  absl::flat_hash_set<std::string_view> families;
  for (const Symbol metric : metrics) {
    const std::string_view text = symbols.Text(metric);
    families.insert(text);
    for (const std::string_view ending :
         {"_total", "_bucket", "_count", "_sum", "_created", "_info", "_gcount", "_gsum"})
      if (text.ends_with(ending)) families.insert(text.substr(0, text.size() - ending.size()));
  }
  const std::vector<std::string> unused = deps_.metadata.NamesWithout(
      [&](const std::string& metric) { return families.contains(metric); });
  if (unused.empty()) return OkStatus();
  return deps_.queue.RunAlone([&]() -> Status {
    RocksBatch batch = deps_.store.NewBatch();
    for (const std::string& metric : unused) MetadataStore::Delete(batch, metric);
    TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/false));
    deps_.queue.NoteWrite();
    deps_.metadata.Forget(unused);
    return OkStatus();
  });
}

// What the index leaves of the head's share, and never too little to work with.
uint64_t Maintenance::StreamBudget() const {
  const uint64_t index = deps_.index.size() * kIndexBytesPerSeries;
  return std::max(deps_.head_budget / 4, deps_.head_budget - std::min(index, deps_.head_budget));
}

bool Maintenance::Pressed() const {
  return deps_.store.failed() || deps_.head.buffer_bytes() > StreamBudget() ||
         (!deps_.log.prepared() && deps_.log.epoch_bytes() >= deps_.log_budget / 4);
}

void Maintenance::SealDue() {
  const MonotonicTime now = deps_.clock.Monotonic();
  SealRule rule;
  rule.now = now;
  const bool log_full = deps_.store.LogBytes() > deps_.log_budget / 4 * 3;
  // Not too often: tiny segments would cost more than they free.
  const bool may_press = now - last_seal_ >= kPressedInterval;
  const bool head_full = may_press && deps_.head.stream_bytes() > StreamBudget();
  const bool late_full = may_press && deps_.head.late_bytes() > deps_.late_budget;
  // The oldest first: what is not in the epoch written now.
  if (log_full) rule.log_seq_below = deps_.log.epoch();
  if (head_full) rule.everything = true;
  if (late_full) rule.late_limit = 0;
  if (!log_full && !head_full && !late_full && now - last_seal_ < kSealInterval) return;
  last_seal_ = now;
  const Status sealed = Seal(rule);
  if (!sealed.ok())
    log::Error("open data was not sealed; it stays in the log",
               {{"err", sealed.error().message()}});
}

Status Maintenance::Seal(const SealRule& rule) {
  TOCSIN_RETURN_IF_ERROR(deps_.queue.WriteSeries());
  const MonotonicTime begin = deps_.clock.Monotonic();
  const std::vector<Group*> groups = deps_.head.Groups();
  const uint64_t seal_seq = numbers_.seal_seq++;
  auto outcome = sealer_.Pass(groups, rule, seal_seq);
  if (!outcome.ok()) {
    deps_.metrics.compactions_failed.Add();
    return outcome.error();
  }
  if (outcome->groups == 0) {
    --numbers_.seal_seq;  // nothing has seen it
    return OkStatus();
  }
  deps_.metrics.compactions.Add();
  const auto took = ToSeconds(deps_.clock.Monotonic() - begin);
  deps_.metrics.compaction_seconds.Observe(took);
  log::Debug("sealed", {{"groups", outcome->groups},
                        {"files", outcome->files},
                        {"samples", outcome->samples},
                        {"seconds", took}});
  FreeUnused();
  return OkStatus();
}

void Maintenance::FreeUnused() {
  deps_.head.Free(deps_.directories.OldestPublished());
  for (const keys::FileId& file : deps_.directories.TakeUnused()) {
    CrashPoint("free.file");
    const Status dropped =
        deps_.store.DropRange(file.family(), keys::FilePrefix(file), keys::FileEnd(file));
    if (!dropped.ok())
      log::Warn("a file that is not needed was not removed; the next start removes it",
                {{"err", dropped.error().message()}});
  }
}

Status Maintenance::PutFloors() {
  Numbers floors = numbers_;
  floors.log_seq = std::max(floors.log_seq, deps_.log.next_seq() + kInFlight);
  floors.group = std::max(floors.group, deps_.index.next_group());
  floors.symbol = std::max<uint64_t>(floors.symbol, deps_.index.symbols().last() + uint64_t{1});
  RocksBatch batch = deps_.store.NewBatch();
  batch.Put(Family::kDefault, keys::Floors(), EncodeFloors(floors));
  return deps_.store.Write(batch, /*sync=*/true);
}

void Maintenance::StoreGuardedClock() {
  RocksBatch batch = deps_.store.NewBatch();
  batch.Put(Family::kDefault, keys::GuardedClock(), EncodeTime(guarded_now_));
  const Status written = deps_.store.Write(batch, /*sync=*/false);
  if (!written.ok()) log::Warn("the time was not stored", {{"err", written.error().message()}});
  deps_.queue.NoteWrite();
}

void Maintenance::Retain() {
  const DirectoryPtr view = deps_.directories.View();
  Timestamp newest = NewestOfFiles(*view, guarded_now_);
  if (deps_.head.max_time() <= guarded_now_) newest = std::max(newest, deps_.head.max_time());
  for (Group* group : deps_.head.Groups()) {
    std::lock_guard lock(group->mutex());
    const Timestamp t =
        group->newest_open() <= guarded_now_ ? group->newest_open() : group->oldest();
    if (t <= guarded_now_) newest = std::max(newest, t);
  }
  const RetentionPlan by_time =
      PlanByTime(*view, newest, [this](uint8_t c) { return deps_.classes.KeepOf(c); });
  if (!by_time.drop.empty()) {
    deps_.metrics.time_retentions.Add();
    if (const Status s = Drop(by_time); !s.ok())
      log::Error("old data was not dropped", {{"err", s.error().message()}});
  }
  DropSnapshots(0);
  if (retention_size() == 0) return;
  const uint64_t bytes = BytesOnDisk(deps_.folder);
  if (bytes <= retention_size()) return;
  const uint64_t excess = DropSnapshots(bytes - retention_size());
  const RetentionPlan by_size = PlanBySize(*deps_.directories.View(), excess);
  if (by_size.drop.empty()) return;
  deps_.metrics.size_retentions.Add();
  if (const Status s = Drop(by_size); !s.ok())
    log::Error("old data was not dropped", {{"err", s.error().message()}});
}

// Published first, then on disk that nothing older exists, then the files when no view names them.
Status Maintenance::Drop(const RetentionPlan& plan, bool urgent) {
  Directory next = *deps_.directories.View();
  const auto goes = [&](const SealedFilePtr& file) {
    return std::find(plan.drop.begin(), plan.drop.end(), file) != plan.drop.end();
  };
  std::erase_if(next.files, goes);
  std::erase_if(next.levels, goes);
  RocksBatch batch = deps_.store.NewBatch();
  for (const auto& [of, edge] : plan.edges) {
    Timestamp& known = next.edges.try_emplace(of, edge).first->second;
    known = std::max(known, edge);
    batch.Put(Family::kDefault, keys::Edge(of.first, of.second), EncodeTime(known));
  }
  const Timestamp edge = next.RawEdge();
  if (Status floors = PutFloors(); !floors.ok() && !urgent) return floors;
  deps_.directories.Publish(std::move(next));
  edge_.store(edge.ms, std::memory_order_relaxed);
  CrashPoint("retention.published");
  TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/true));
  CrashPoint("retention.edge");
  return OkStatus();
}

Status Maintenance::Compact() {
  std::lock_guard lock(mutex_);
  SealRule rule;
  rule.everything = true;
  TOCSIN_RETURN_IF_ERROR(Seal(rule));
  TOCSIN_RETURN_IF_ERROR(epochs_.Roll(/*at_once=*/true));
  for (;;) {
    TOCSIN_ASSIGN(const bool merged, MergeOne(/*full=*/true));
    if (!merged) break;
  }
  for (;;) {
    TOCSIN_ASSIGN(const bool built, BuildLevelsOfOne(/*full=*/true));
    if (!built) break;
  }
  FreeUnused();
  return OkStatus();
}

Status Maintenance::CleanTombstones() {
  std::lock_guard lock(mutex_);
  for (;;) {
    const DirectoryPtr view = deps_.directories.View();
    const auto masked =
        std::find_if(view->files.begin(), view->files.end(),
                     [&](const SealedFilePtr& file) { return HasMasked(*file, *view); });
    if (masked == view->files.end()) break;
    const std::vector<uint64_t> epochs = deps_.store.Logs();
    const MergePlan plan{{&*masked, 1}, (*masked)->header.kind == FileKind::kDay};
    TOCSIN_RETURN_IF_ERROR(
        merger_.Merge(plan, numbers_.seal_seq++, epochs.empty() ? 0 : epochs.front()));
    deps_.metrics.compactions.Add();
  }
  for (;;) {
    TOCSIN_ASSIGN(const bool built, BuildLevelsOfOne(/*full=*/true));
    if (!built) break;
  }
  FreeUnused();
  return DropSpentTombstones();
}

Result<std::string> Maintenance::MakeSnapshot(bool skip_head) {
  std::lock_guard lock(mutex_);
  if (!skip_head) {
    SealRule rule;
    rule.everything = true;
    TOCSIN_RETURN_IF_ERROR(Seal(rule));
    TOCSIN_RETURN_IF_ERROR(epochs_.Roll(/*at_once=*/true));
  }
  const MonotonicTime now = deps_.clock.Monotonic();
  const std::string name = SnapshotName(
      deps_.clock.Now(), Hash64(std::to_string(now.since_start.count()), ++snapshots_made_));
  const std::string path = deps_.folder.snapshots() + "/" + name;
  // Under construction its name is none of a snapshot; a crash leaves rubbish in staging.
  const std::string under_way = deps_.folder.staging() + "/" + name;
  std::error_code error;
  std::filesystem::create_directories(under_way, error);
  if (!error) std::filesystem::create_directories(deps_.folder.snapshots(), error);
  if (error) return Error(ErrorCode::kIo, path + ": " + error.message());
  Status made = deps_.store.Checkpoint(under_way + "/db");
  CrashPoint("snapshot.made");
  if (made.ok()) {
    std::filesystem::rename(under_way, path, error);
    if (error) made = Error(ErrorCode::kIo, path + ": " + error.message());
  }
  if (!made.ok()) {
    std::filesystem::remove_all(under_way, error);
    return made.error();
  }
  return name;
}

Status Maintenance::SealForClose(Duration budget) {
  std::lock_guard lock(mutex_);
  if (budget.count() <= 0) return OkStatus();
  const MonotonicTime begin = deps_.clock.Monotonic();
  const auto spent = [&] { return deps_.clock.Monotonic() - begin; };
  SealRule rule;
  rule.everything = true;
  TOCSIN_RETURN_IF_ERROR(deps_.queue.WriteSeries());
  const std::vector<Group*> groups = deps_.head.Groups();
  for (size_t at = 0; at < groups.size(); at += kGroupsPerPass) {
    if (spent() >= budget) return PutFloors();
    const auto some = std::span(groups).subspan(at, std::min(kGroupsPerPass, groups.size() - at));
    const auto outcome = sealer_.Pass(some, rule, numbers_.seal_seq++);
    if (!outcome.ok()) return outcome.error();
    CrashPoint("close.sealed");
  }
  FreeUnused();
  // Who reads the log has gone, but comes back after the start and wants to go on where it was.
  if (deps_.log_readers.used()) return PutFloors();
  TOCSIN_RETURN_IF_ERROR(epochs_.Roll(/*at_once=*/true));
  // What is due in any case, as far as half of the time goes: a job is not stopped half-way.
  while (spent() < budget / 2) {
    TOCSIN_ASSIGN(const bool merged, MergeOne(/*full=*/false));
    if (!merged) break;
  }
  while (spent() < budget / 2) {
    TOCSIN_ASSIGN(const bool built, BuildLevelsOfOne(/*full=*/false));
    if (!built) break;
  }
  FreeUnused();
  return PutFloors();
}

Status Maintenance::DeleteSeries(std::span<const Matcher> matchers, Timestamp from, Timestamp to) {
  std::lock_guard lock(mutex_);
  Tombstone tombstone;
  tombstone.from = std::max(from, kMinStorable);
  tombstone.to = std::min(to, kMaxStorable);
  for (const Series* series : deps_.index.Select(matchers)) tombstone.series.push_back(series->id);
  if (tombstone.from <= tombstone.to) {
    TOCSIN_ASSIGN(const auto cold,
                  deps_.index.cold()->Select(matchers, DayOf(tombstone.from), DayOf(tombstone.to)));
    tombstone.series.insert(tombstone.series.end(), cold.begin(), cold.end());
    std::sort(tombstone.series.begin(), tombstone.series.end());
    tombstone.series.erase(std::unique(tombstone.series.begin(), tombstone.series.end()),
                           tombstone.series.end());
  }
  if (tombstone.series.empty() || tombstone.from > tombstone.to) return OkStatus();
  tombstone.number = numbers_.tombstone++;
  tombstone.bound_seal_seq = numbers_.seal_seq - 1;
  return deps_.queue.RunAlone([&]() -> Status {
    deps_.log.BeginBatch();
    TombstoneRow row{tombstone.number, tombstone.from, tombstone.to, tombstone.bound_seal_seq, {}};
    for (const uint64_t id : tombstone.series) row.series.push_back({id});
    RocksBatch batch = deps_.store.NewBatch();
    deps_.log.PutTombstone(batch, row);
    batch.Put(Family::kDefault, keys::Tombstone(tombstone.number), EncodeTombstone(tombstone));
    if (Status written = deps_.store.Write(batch, /*sync=*/true); !written.ok()) {
      deps_.log.Failed();
      return written;
    }
    CrashPoint("delete.logged");
    {
      const auto pool = deps_.head.LockPool();
      for (const uint64_t id : tombstone.series) {
        Group* group = deps_.head.Find(GroupOf(id));
        if (group == nullptr) continue;
        std::lock_guard group_lock(group->mutex());
        group->Erase(SlotOf(id), tombstone.from, tombstone.to, deps_.head.pool());
      }
    }
    Directory next = *deps_.directories.View();
    next.tombstones.push_back(std::move(tombstone));
    deps_.directories.Publish(std::move(next));
    return OkStatus();
  });
}

}  // namespace tocsin::storage
