#include "storage/retention.h"

#include <algorithm>

namespace tocsin::storage {

RetentionPlan PlanByTime(const Directory& directory, Timestamp newest, Duration keep) {
  RetentionPlan plan;
  if (keep.count() <= 0 || newest == kMinTimestamp) return plan;
  const Timestamp edge = newest - keep;
  std::optional<uint16_t> day;
  for (const SealedFilePtr& file : directory.files) {
    if (file->header.max_time >= edge || (day && file->id.day != *day)) continue;
    day = file->id.day;
    plan.drop.push_back(file);
    plan.edge = std::max(plan.edge, file->header.max_time + Duration{1});
  }
  return plan;
}

RetentionPlan PlanBySize(const Directory& directory, uint64_t excess) {
  RetentionPlan plan;
  if (directory.files.empty() || excess == 0) return plan;
  const uint16_t newest_day = directory.files.back()->id.day;
  uint64_t freed = 0;
  for (auto it = directory.files.begin(); it != directory.files.end() && freed < excess;) {
    const uint16_t day = (*it)->id.day;
    if (day == newest_day) break;
    for (; it != directory.files.end() && (*it)->id.day == day; ++it) {
      freed += (*it)->header.bytes;
      plan.drop.push_back(*it);
      plan.edge = std::max(plan.edge, (*it)->header.max_time + Duration{1});
    }
  }
  return plan;
}

Timestamp NewestOfFiles(const Directory& directory, Timestamp guarded) {
  Timestamp newest = kMinTimestamp;
  for (const SealedFilePtr& file : directory.files) {
    if (file->header.max_time <= guarded)
      newest = std::max(newest, file->header.max_time);
    else if (file->header.min_time <= guarded)
      newest = std::max(newest, file->header.min_time);
  }
  return newest;
}

}  // namespace tocsin::storage
