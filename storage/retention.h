// Which files go: plans over the directory, nothing is deleted here.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "storage/base/time.h"
#include "storage/directory.h"
#include "storage/retention_rules.h"

namespace tocsin::storage {

// How long samples and levels of a class are kept, counted from the newest sample. 0: not at all
// (raw samples then go as soon as the day is closed and its levels are there).
struct KeepTimes {
  Duration raw{kKeepForever};
  Duration five_minutes{0};
  Duration one_hour{0};

  Duration of(Level level) const {
    return level == Level::kRaw ? raw : level == Level::k5m ? five_minutes : one_hour;
  }
  bool operator==(const KeepTimes&) const = default;
};
using KeepOfClass = std::function<KeepTimes(uint8_t retention_class)>;

struct RetentionPlan {
  std::vector<SealedFilePtr> drop;  // raw files and levels; empty: nothing to do
  // Of a class and level nothing older exists from then on.
  Edges edges;
};

// By time: of each class and level the files of the oldest day that is wholly older than its time.
// One day a call, so that a wrongly believed clock costs little. Raw files only when every level
// that the class keeps is complete for the day, or when their edge has passed it already (what came
// late to a day that is gone).
// `newest`: of all samples that are not ahead of the guarded clock.
RetentionPlan PlanByTime(const Directory& directory, Timestamp newest, const KeepOfClass& keep);

// By size: whole days, with their levels, from the oldest on until `excess` bytes are gone; the
// newest day stays.
RetentionPlan PlanBySize(const Directory& directory, uint64_t excess);

// The newest sample of the files that is not ahead of `guarded`, as far as headers tell.
Timestamp NewestOfFiles(const Directory& directory, Timestamp guarded);

}  // namespace tocsin::storage
