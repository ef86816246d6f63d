// Joins neighbouring files of one day into one: fewer files to look into, longer columns, masked
// samples gone. The new file covers what the old ones covered, so that whatever a crash leaves of
// them is recognised.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/directory.h"
#include "storage/file_builder.h"
#include "storage/group.h"
#include "storage/rocks_store.h"
#include "storage/segment_parts.h"

namespace tocsin::storage {

// The background worker's; one merge at a time.
class Merger {
 public:
  struct Deps {
    RocksStore& store;
    const Folder& folder;
    Directories& directories;
  };
  explicit Merger(const Deps& deps) : deps_(deps) {}

  // The inputs disappear from the directory, the new file is in it. kCorruption: an input is
  // damaged; nothing was changed.
  // REQUIRES: inputs of one day, neighbours in the directory's order, at least one; `seal_seq` is
  // new; the log has no row below `oldest_log_seq`.
  Status Merge(std::span<const SealedFilePtr> inputs, uint64_t seal_seq, uint64_t oldest_log_seq);

 private:
  Status ReadGroup(std::span<const SealedFilePtr> inputs, uint64_t group,
                   const Directory& directory);

  const Deps deps_;
  std::array<SampleList, kGroupSlots> values_;
  std::array<std::vector<TimedHistogram>, kGroupSlots> histograms_;
  SegmentParts parts_;
};

// What to merge next, as a part of directory.files; empty: nothing.
struct MergePlan {
  std::span<const SealedFilePtr> inputs;
};
// Days that end before `closed_before` become one file, unless only little came late to them. Other
// days: when there are many files, the newest ones of like size.
MergePlan PlanMerge(const Directory& directory, Timestamp closed_before);
// Everything: each day becomes one file, and files with masked samples are rewritten.
MergePlan PlanFullMerge(const Directory& directory);

}  // namespace tocsin::storage
