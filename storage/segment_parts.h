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

  // Samples of each slot, ascending, of one day.
  using SlotSamples = std::array<std::span<const TimedValue>, kGroupSlots>;
  Status Samples(const SlotSamples& slots, const Sink& sink);

 private:
  Status Part(std::span<const Line* const> lines, const Sink& sink);
  Status Emit(const Sink& sink);

  SegmentBuilder builder_;
  std::string blob_;
  std::vector<double> values_ = std::vector<double>(kMaxColumnEntries);
  std::vector<Timestamp> times_;
};

}  // namespace tocsin::storage
