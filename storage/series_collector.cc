#include "storage/series_collector.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <utility>

#include "storage/base/crash_point.h"
#include "storage/cold_series.h"
#include "storage/key_schema.h"

namespace tocsin::storage {
namespace {

// A series that nothing is added to stays in memory this long.
constexpr std::chrono::nanoseconds kForgetAfter = std::chrono::minutes(120);
// Groups that leave memory at once, and how often a round: the commit thread waits for each.
constexpr size_t kGroupsAPass = 256;
constexpr int kColdPasses = 16;

}  // namespace

// Nothing open and no row left in the log: nobody can ask for their ids again but for what files
// have.
std::vector<Group*> SeriesCollector::IdleGroups(bool with_files) {
  const MonotonicTime now = deps_.clock.Monotonic();
  const std::vector<uint64_t> epochs = deps_.store.Logs();
  const uint64_t oldest_row = epochs.empty() ? 0 : epochs.front();
  IdRanges in_files;
  const DirectoryPtr view = deps_.directories.View();
  for (const auto* files : {&view->files, &view->levels})
    for (const SealedFilePtr& file : *files) in_files.Merge(file->header.groups);
  std::vector<Group*> idle;
  for (Group* group : deps_.head.Groups()) {
    std::lock_guard lock(group->mutex());
    if (group->empty() && !group->has_cut_parts() && group->last_seq() < oldest_row &&
        now - group->last_append() >= kForgetAfter &&
        in_files.Contains(group->number()) == with_files)
      idle.push_back(group);
  }
  std::sort(idle.begin(), idle.end(),
            [](const Group* a, const Group* b) { return a->number() < b->number(); });
  return idle;
}

Result<bool> SeriesCollector::LetSeriesGo() {
  std::vector<Group*> idle = IdleGroups(/*with_files=*/true);
  if (idle.size() > kGroupsAPass) idle.resize(kGroupsAPass);
  if (idle.empty()) return false;
  const DirectoryPtr view = deps_.directories.View();
  std::vector<uint64_t> numbers;
  std::vector<std::vector<uint16_t>> days(idle.size());
  std::vector<ColdSeries::Leaving> leaving;
  std::vector<uint16_t> all_days;
  for (size_t i = 0; i < idle.size(); ++i) {
    const uint64_t number = idle[i]->number();
    numbers.push_back(number);
    for (const auto* files : {&view->files, &view->levels})
      for (const SealedFilePtr& file : *files)
        if (file->header.groups.Contains(number)) days[i].push_back(file->id.day);
    std::sort(days[i].begin(), days[i].end());
    days[i].erase(std::unique(days[i].begin(), days[i].end()), days[i].end());
    all_days.insert(all_days.end(), days[i].begin(), days[i].end());
    for (unsigned slot = 0; slot < kGroupSlots; ++slot)
      if (const Series* series = deps_.index.Get({SeriesId(number, slot)}))
        leaving.push_back({{series->id,
                            series->retention_class,
                            {series->labels().begin(), series->labels().end()}},
                           days[i]});
  }
  RocksBatch batch = deps_.store.NewBatch();
  TOCSIN_RETURN_IF_ERROR(deps_.index.cold()->Put(batch, leaving));
  bool gone = false;
  const Status alone = deps_.queue.RunAlone([&]() -> Status {
    // Again, while nothing is committed.
    const std::vector<Group*> still = IdleGroups(/*with_files=*/true);
    if (!std::includes(still.begin(), still.end(), idle.begin(), idle.end(),
                       [](const Group* a, const Group* b) { return a->number() < b->number(); }))
      return OkStatus();
    CrashPoint("cold.built");
    TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/false));
    CrashPoint("cold.written");
    deps_.queue.NoteWrite();
    // Known as cold before it is hot no more: a query that comes between finds both.
    deps_.index.cold()->Added(numbers, all_days);
    const MonotonicTime now = deps_.clock.Monotonic();
    deps_.index.Remove(numbers, now);
    deps_.layouts.Clear();
    deps_.index.NextGeneration();
    deps_.head.Remove(idle, now);
    gone = true;
    return OkStatus();
  });
  TOCSIN_RETURN_IF_ERROR(alone);
  return gone;
}

Status SeriesCollector::ForgetCold() {
  ColdSeries& cold = *deps_.index.cold();
  if (cold.empty()) return OkStatus();
  IdRanges in_files;
  std::set<uint16_t> with_files;
  const DirectoryPtr view = deps_.directories.View();
  for (const auto* files : {&view->files, &view->levels})
    for (const SealedFilePtr& file : *files) {
      in_files.Merge(file->header.groups);
      with_files.insert(file->id.day);
    }
  std::vector<uint16_t> days;
  for (const uint16_t day : cold.days())
    if (!with_files.contains(day)) days.push_back(day);
  std::vector<uint64_t> groups;
  const IdRanges cold_groups = cold.groups();
  for (const IdRange& range : cold_groups.ranges())
    for (uint64_t group = range.first; group - range.first < range.length; ++group)
      if (!in_files.Contains(group)) groups.push_back(group);
  if (days.empty() && groups.empty()) return OkStatus();
  TOCSIN_RETURN_IF_ERROR(deps_.put_floors());
  RocksBatch batch = deps_.store.NewBatch();
  cold.PutForget(batch, days, groups);
  TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/false));
  deps_.queue.NoteWrite();
  cold.Forgotten(days, groups);
  return OkStatus();
}

Status SeriesCollector::Collect() {
  const MonotonicTime now = deps_.clock.Monotonic();
  deps_.index.FreeRemoved(now);
  deps_.head.FreeRemoved(now, SeriesIndex::kGrace);
  for (int pass = 0; pass < kColdPasses; ++pass) {
    TOCSIN_ASSIGN(const bool gone, LetSeriesGo());
    if (!gone) break;
  }
  TOCSIN_RETURN_IF_ERROR(ForgetCold());
  if (IdleGroups(/*with_files=*/false).empty()) return OkStatus();
  TOCSIN_RETURN_IF_ERROR(deps_.put_floors());
  return deps_.queue.RunAlone([&]() -> Status {
    const std::vector<Group*> dead =
        IdleGroups(/*with_files=*/false);  // again, while nothing is committed
    std::vector<uint64_t> numbers;
    for (const Group* group : dead) numbers.push_back(group->number());
    RocksBatch batch = deps_.store.NewBatch();
    for (const uint64_t group : numbers)
      batch.DeleteRange(Family::kSeries, keys::SeriesRun(group, 0), keys::SeriesRun(group + 1, 0));
    CrashPoint("collect.floors");
    TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/false));
    CrashPoint("collect.written");
    deps_.queue.NoteWrite();
    deps_.index.Remove(numbers, now);
    deps_.layouts.Clear();
    deps_.index.NextGeneration();
    deps_.head.Remove(dead, now);
    deps_.removed();
    return OkStatus();
  });
}

}  // namespace tocsin::storage
