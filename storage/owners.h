// Which group and slot a new series gets, so that series whose samples come together lie together.
// The owner of a series is the pair (job, instance) of its labels or, when either is missing, all
// labels but __name__, le and quantile; never a connection or a batch. The first few series of an
// owner share groups with those of other small owners, the rest have groups of their own.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <span>

#include "storage/model/labels.h"

namespace tocsin::storage {

// On disk (family series): values may not change.
enum class OwnerKind : uint8_t { kJobInstance = 1, kOtherLabels = 2, kShared = 3 };

struct Placement {
  uint64_t series_id = 0;
  OwnerKind kind = OwnerKind::kShared;
};

// One thread at a time. Group numbers and slots are never given twice. Of a label set that comes
// back after its series has gone, the new id is above the old one.
class Owners {
 public:
  // Groups are of one retention class.
  Placement Place(const Labels& labels, uint8_t retention_class = 0);

  // Loading: the series is there already.
  void Restore(const Labels& labels, const Placement& placement, uint8_t retention_class = 0);
  // No group below is given out.
  void ReserveBelow(uint64_t group);
  // No group that has a series is given another: some that it had may be lost.
  void StartNewGroups(uint64_t next_group);
  // These groups are given no series any more, nor is one below them. REQUIRES: they ascend.
  void Forget(std::span<const uint64_t> groups);
  void ForgetBelow(uint64_t group);
  uint64_t next_group() const { return next_group_; }

 private:
  // This many series of an owner go to shared groups.
  static constexpr uint8_t kSharedSeries = 7;
  struct Fill {
    uint64_t group = 0;
    uint8_t used = 0;  // slots
  };
  struct Owner {
    Fill fill;
    uint8_t shared = 0;  // series in shared groups
  };
  uint64_t TakeSlot(Fill& fill);
  static void RestoreFill(Fill& fill, uint64_t series_id);

  absl::flat_hash_map<uint64_t, Owner> owners_;  // by hash: a collision costs only neighbourhood
  absl::flat_hash_map<uint8_t, Fill> shared_;    // by class
  uint64_t next_group_ = 1;
  // Groups below are full: what comes back must not get an id below the one it had.
  uint64_t lowest_open_ = 1;
};

}  // namespace tocsin::storage
