#include "storage/head.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>

namespace tocsin::storage {

Group& Head::GroupFor(uint64_t number) {
  if (Group* group = table_.Get(number)) return *group;
  std::lock_guard lock(groups_mutex_);
  if (Group* group = table_.Get(number)) return *group;
  groups_.push_back(std::make_unique<Group>(number));
  table_.Set(number, groups_.back().get());
  return *groups_.back();
}

std::vector<Group*> Head::Groups() const {
  std::lock_guard lock(groups_mutex_);
  std::vector<Group*> out;
  out.reserve(groups_.size());
  for (const auto& group : groups_) out.push_back(group.get());
  return out;
}

void Head::Remove(std::span<Group* const> groups, MonotonicTime now) {
  const absl::flat_hash_set<const Group*> gone(groups.begin(), groups.end());
  std::lock_guard lock(groups_mutex_);
  for (const Group* group : groups) table_.Set(group->number(), nullptr);
  std::erase_if(groups_, [&](std::unique_ptr<Group>& group) {
    if (!gone.contains(group.get())) return false;
    graveyard_.push_back({now, std::move(group)});
    return true;
  });
}

void Head::FreeRemoved(MonotonicTime now, std::chrono::nanoseconds grace) {
  std::lock_guard lock(groups_mutex_);
  std::erase_if(graveyard_, [&](const Removed& removed) { return now - removed.at >= grace; });
}

void Head::Count(Group::Outcome outcome, RowResult* result) {
  switch (outcome) {
    case Group::Outcome::kAppended:
    case Group::Outcome::kSame:
      ++result->appended;
      break;
    case Group::Outcome::kDuplicate:
      ++result->duplicates;
      break;
  }
}

void Head::Append(Group& group, std::span<const uint8_t> slots, Timestamp t,
                  std::span<const double> values, std::span<const Timestamp> starts,
                  uint64_t log_seq, MonotonicTime now, RowResult* result) {
  std::lock_guard lock(group.mutex());
  const size_t late_before = group.late_count();
  for (size_t i = 0; i < slots.size(); ++i) {
    if (starts.empty()) {
      const size_t n = group.AppendFollowing(slots.subspan(i), t, values.subspan(i), pool_);
      result->appended += static_cast<uint32_t>(n);
      i += n;
      if (i == slots.size()) break;
    }
    const Group::Outcome outcome = group.Append(slots[i], t, values[i], log_seq, pool_);
    Count(outcome, result);
    if (!starts.empty() && starts[i] != kNoStart && outcome == Group::Outcome::kAppended)
      group.SetStart(slots[i], t, starts[i], log_seq, pool_);
  }
  group.Touch(now, log_seq);
  late_.fetch_add(group.late_count() - late_before, std::memory_order_relaxed);
  appended_.fetch_add(slots.size(), std::memory_order_relaxed);
}

void Head::AppendSparse(std::span<const SparseSample> samples, uint64_t log_seq, MonotonicTime now,
                        RowResult* result) {
  for (size_t i = 0; i < samples.size();) {
    Group& group = GroupFor(GroupOf(samples[i].series.id));
    std::lock_guard lock(group.mutex());
    const size_t late_before = group.late_count();
    Timestamp newest = kMinTimestamp;
    for (; i < samples.size() && GroupOf(samples[i].series.id) == group.number(); ++i) {
      const SparseSample& sample = samples[i];
      const unsigned slot = SlotOf(sample.series.id);
      const Group::Outcome outcome = group.Append(slot, sample.t, sample.value, log_seq, pool_);
      Count(outcome, result);
      if (sample.start != kNoStart && outcome == Group::Outcome::kAppended)
        group.SetStart(slot, sample.t, sample.start, log_seq, pool_);
      newest = std::max(newest, sample.t);
    }
    group.Touch(now, log_seq);
    RaiseMaxTime(newest);
    late_.fetch_add(group.late_count() - late_before, std::memory_order_relaxed);
  }
  appended_.fetch_add(samples.size(), std::memory_order_relaxed);
}

void Head::AppendHistogram(SeriesRef series, TimedHistogram sample, uint64_t log_seq,
                           MonotonicTime now, RowResult* result) {
  Group& group = GroupFor(GroupOf(series.id));
  RaiseMaxTime(sample.t);
  std::lock_guard lock(group.mutex());
  Count(group.AppendHistogram(SlotOf(series.id), std::move(sample), log_seq), result);
  group.Touch(now, log_seq);
  appended_.fetch_add(1, std::memory_order_relaxed);
}

void Head::Free(uint64_t seal_seq) {
  for (Group* group : Groups()) {
    // Short holds: appends wait for the pool.
    const auto pool_lock = LockPool();
    std::lock_guard lock(group->mutex());
    if (group->has_cut_parts()) group->Free(seal_seq, pool_);
  }
}

void Head::RaiseMaxTime(Timestamp t) {
  int64_t known = max_time_.load(std::memory_order_relaxed);
  while (t.ms > known && !max_time_.compare_exchange_weak(known, t.ms, std::memory_order_relaxed)) {
  }
}

Head::OpenData Head::Survey() const {
  OpenData out;
  for (Group* group : Groups()) {
    std::lock_guard lock(group->mutex());
    out.min_time = std::min(out.min_time, group->oldest());
    out.streams += group->stream_count();
  }
  return out;
}

uint64_t Head::buffer_bytes() const {
  std::lock_guard lock(pool_mutex_);
  return pool_.used_bytes();
}

uint64_t Head::late_bytes() const {
  uint64_t samples = 0;
  for (Group* group : Groups()) {
    std::lock_guard lock(group->mutex());
    samples += group->late_count();
  }
  return samples * sizeof(TimedValue);
}

uint64_t Head::stream_bytes() const {
  const uint64_t records = Survey().streams * sizeof(Line::Stream);
  std::lock_guard lock(pool_mutex_);
  return pool_.used_bytes() + records;
}

}  // namespace tocsin::storage
