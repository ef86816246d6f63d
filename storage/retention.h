// Which files go: plans over the directory, nothing is deleted here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/base/time.h"
#include "storage/directory.h"

namespace tocsin::storage {

struct RetentionPlan {
  std::vector<SealedFilePtr> drop;  // empty: nothing to do
  Timestamp edge = kMinTimestamp;   // nothing older exists from then on
};

// By time: the files of the oldest day that has files wholly older than newest - keep. One day a
// call, so that a wrongly believed clock costs little. keep 0: for ever.
// `newest`: of all samples that are not ahead of the guarded clock.
RetentionPlan PlanByTime(const Directory& directory, Timestamp newest, Duration keep);

// By size: whole days from the oldest on until `excess` bytes are gone; the newest day stays.
RetentionPlan PlanBySize(const Directory& directory, uint64_t excess);

// The newest sample of the files that is not ahead of `guarded`, as far as headers tell.
Timestamp NewestOfFiles(const Directory& directory, Timestamp guarded);

}  // namespace tocsin::storage
