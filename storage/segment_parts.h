// Turns the timelines and late samples of one group into segments: each a part of at most 1,024
// entries a column, in which every series has one column.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/segment.h"
#include "storage/group.h"

namespace tocsin::storage {

// One encoded part.
struct SegmentPart {
  std::string_view blob;  // until the next one
  uint64_t samples = 0;
  Timestamp min_time, max_time;
};

// Reusable. One thread.
class SegmentParts {
 public:
  using Sink = std::function<Status(const SegmentPart&)>;

  // REQUIRES: the lines are of one day and do not change meanwhile.
  Status Lines(std::span<const Line* const> lines, const Sink& sink);

  // Samples of each slot, ascending, of one day. Slots whose times are mostly the same share a
  // column.
  using SlotSamples = std::array<std::span<const TimedValue>, kGroupSlots>;
  Status Samples(const SlotSamples& slots, const Sink& sink);

 private:
  // Slots that share a column, and the times of all their samples.
  struct Column {
    std::vector<Timestamp> times;
    std::vector<unsigned> slots;
    size_t at = 0;  // of times: where the next part begins
  };

  Status Part(std::span<const Line* const> lines, const Sink& sink);
  static std::vector<Column> Columns(const SlotSamples& slots);
  void AddColumnSlots(const SlotSamples& slots, const std::vector<Column>& columns, Timestamp end);
  Status Emit(const Sink& sink);

  SegmentBuilder builder_;
  std::string blob_;
  std::vector<double> values_ = std::vector<double>(kMaxColumnEntries);
  std::vector<Timestamp> times_;
};

}  // namespace tocsin::storage
