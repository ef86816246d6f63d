#include "storage/retention.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace tocsin::storage {
namespace {

void Drop(const SealedFilePtr& file, RetentionPlan* plan) {
  plan->drop.push_back(file);
  Timestamp& edge =
      plan->edges.try_emplace({file->id.retention_class, file->id.level}, kMinTimestamp)
          .first->second;
  edge = std::max(edge, file->header.max_time + Duration{1});
}

bool LevelsAreThere(const Directory& directory, uint8_t retention_class, uint16_t day,
                    std::span<const SealedFilePtr> raw, const KeepTimes& keep) {
  for (const Level level : kLevels) {
    if (keep.of(level).count() <= 0) continue;
    const auto levels = directory.LevelsOf(level, day);
    for (const SealedFilePtr& file : raw) {
      if (file->id.retention_class != retention_class) continue;
      for (const IdRange& range : file->header.groups.ranges()) {
        for (uint64_t group = range.first; group - range.first < range.length; ++group) {
          const SealedFile* of = LevelFileOf(levels, retention_class, group);
          if (of == nullptr || !of->header.built_from.ContainsAll(file->header.covers))
            return false;
        }
      }
    }
  }
  return true;
}

}  // namespace

RetentionPlan PlanByTime(const Directory& directory, Timestamp newest, const KeepOfClass& keep) {
  RetentionPlan plan;
  if (newest == kMinTimestamp) return plan;
  std::set<uint8_t> raw_done;
  for (size_t at = 0; at < directory.files.size();) {
    const uint16_t day = directory.files[at]->id.day;
    const auto raw = directory.OfDays(DayStart(day), DayStart(day));
    at += raw.size();
    std::map<uint8_t, Timestamp> newest_of_class;
    for (const SealedFilePtr& file : raw) {
      Timestamp& t =
          newest_of_class.try_emplace(file->id.retention_class, kMinTimestamp).first->second;
      t = std::max(t, file->header.max_time);
    }
    for (const auto& [retention_class, max_time] : newest_of_class) {
      if (raw_done.contains(retention_class)) continue;
      const KeepTimes times = keep(retention_class);
      if (times.raw >= kKeepForever || max_time >= newest - times.raw) continue;
      const bool gone_before = directory.EdgeOf(retention_class, Level::kRaw) > max_time;
      if (!gone_before && !LevelsAreThere(directory, retention_class, day, raw, times)) continue;
      raw_done.insert(retention_class);
      for (const SealedFilePtr& file : raw)
        if (file->id.retention_class == retention_class) Drop(file, &plan);
    }
  }
  std::map<std::pair<uint8_t, uint8_t>, uint16_t> level_done;
  for (const SealedFilePtr& file : directory.levels) {
    const Duration time = keep(file->id.retention_class).of(static_cast<Level>(file->id.level));
    if (time >= kKeepForever || file->header.max_time >= newest - time) continue;
    const auto [day, first] =
        level_done.try_emplace({file->id.retention_class, file->id.level}, file->id.day);
    if (day->second == file->id.day) Drop(file, &plan);
  }
  return plan;
}

RetentionPlan PlanBySize(const Directory& directory, uint64_t excess) {
  RetentionPlan plan;
  if (excess == 0) return plan;
  std::map<uint16_t, std::vector<SealedFilePtr>> days;
  for (const auto* files : {&directory.files, &directory.levels})
    for (const SealedFilePtr& file : *files) days[file->id.day].push_back(file);
  if (days.empty()) return plan;
  days.erase(std::prev(days.end()));
  uint64_t freed = 0;
  for (const auto& [day, files] : days) {
    if (freed >= excess) break;
    for (const SealedFilePtr& file : files) {
      freed += file->header.bytes;
      Drop(file, &plan);
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
