#include "storage/head.h"

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
                  std::span<const double> values, uint64_t log_seq, MonotonicTime now,
                  RowResult* result) {
  std::lock_guard lock(group.mutex());
  const size_t late_before = group.late_count();
  for (size_t i = 0; i < slots.size(); ++i)
    Count(group.Append(slots[i], t, values[i], log_seq, pool_), result);
  group.Touch(now);
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
      Count(group.Append(SlotOf(sample.series.id), sample.t, sample.value, log_seq, pool_), result);
      newest = std::max(newest, sample.t);
    }
    group.Touch(now);
    RaiseMaxTime(newest);
    late_.fetch_add(group.late_count() - late_before, std::memory_order_relaxed);
  }
  appended_.fetch_add(samples.size(), std::memory_order_relaxed);
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

Timestamp Head::min_time() const {
  Timestamp oldest = kMaxTimestamp;
  for (Group* group : Groups()) {
    std::lock_guard lock(group->mutex());
    oldest = std::min(oldest, group->oldest());
  }
  return oldest;
}

uint64_t Head::stream_bytes() const {
  std::lock_guard lock(pool_mutex_);
  return pool_.reserved_bytes();
}

}  // namespace tocsin::storage
