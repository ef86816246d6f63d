// Joins neighbouring files of one day into one: fewer files to look into, longer columns, masked
// samples gone. The new file covers what the old ones covered, so that whatever a crash leaves of
// them is recognised.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/day_part.h"
#include "storage/directory.h"
#include "storage/file_builder.h"
#include "storage/file_reader.h"
#include "storage/group.h"
#include "storage/rocks_store.h"
#include "storage/segment_parts.h"

namespace tocsin::storage {

// What to merge, as a part of directory.files; no inputs: nothing.
struct MergePlan {
  std::span<const SealedFilePtr> inputs;  // of one day and class, neighbours
  bool whole_day = false;                 // a day that is closed: they become a day file
};

// The background worker's; one merge at a time.
class Merger {
 public:
  struct Deps {
    RocksStore& store;
    const Folder& folder;
    Directories& directories;
  };
  explicit Merger(const Deps& deps) : deps_(deps), reader_(deps.store, nullptr, kReaderParts) {}

  // The inputs disappear from the directory, the new file is in it. kCorruption: an input is
  // damaged; nothing was changed.
  // REQUIRES: `seal_seq` is new; the log has no row below `oldest_log_seq`.
  Status Merge(const MergePlan& plan, uint64_t seal_seq, uint64_t oldest_log_seq);

 private:
  // Parts of one group that stay fetched.
  static constexpr size_t kReaderParts = 4096;
  // Samples of a group that are decoded at a time, about: 16 bytes each.
  static constexpr uint64_t kSamplesAtOnce = 512 * 1024;

  // Those in [from, to).
  Status ReadGroup(std::span<const SealedFilePtr> inputs, uint64_t group,
                   const Directory& directory, Timestamp from, Timestamp to);
  Status CopyGroup(const MergePlan& plan, uint64_t group, const Directory& directory,
                   FileBuilder& file);
  Status FinishDay(uint64_t group, FileBuilder& file);

  const Deps deps_;
  FileReader reader_;
  DayPartBuilder day_;
  std::string blob_;
  std::array<SampleList, kGroupSlots> values_;
  std::array<std::vector<TimedHistogram>, kGroupSlots> histograms_;
  SegmentParts parts_;
};

// Days that end before `closed_before` become one day file each, unless only little came late to
// them or `skip` says not now. Other days: when there are many files, the newest ones of like size.
MergePlan PlanMerge(const Directory& directory, Timestamp closed_before,
                    const std::function<bool(uint8_t retention_class, uint16_t day)>& skip = {});
// Whether a tombstone hides samples of the file that are still in it.
bool HasMasked(const SealedFile& file, const Directory& directory);
// Everything: each day becomes one file, and files with masked samples are rewritten.
MergePlan PlanFullMerge(const Directory& directory, Timestamp closed_before);

}  // namespace tocsin::storage
