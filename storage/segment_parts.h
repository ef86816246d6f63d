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
  template <typename T>
  using Slots = std::array<std::span<const T>, kGroupSlots>;
  // `starts`: of those samples that have one.
  Status Samples(const Slots<TimedValue>& slots, const Slots<TimedStart>& starts, const Sink& sink);
  Status Histograms(const Slots<TimedHistogram>& slots, const Sink& sink);

 private:
  // Slots that share a column, and the times of all their samples.
  struct Column {
    std::vector<Timestamp> times;
    std::vector<unsigned> slots;
    size_t at = 0;  // of times: where the next part begins
  };

  Status Part(std::span<const Line* const> lines, const Sink& sink);
  template <typename T>
  static std::vector<Column> Columns(const Slots<T>& slots);
  template <typename T>
  void AddColumnSlots(const Slots<T>& slots, const std::vector<Column>& columns, Timestamp end);
  template <typename T>
  Status AllParts(const Slots<T>& slots, size_t entries, const Sink& sink);
  // The samples of a slot at the marked entries of a column.
  void AddSlot(unsigned slot, uint32_t column, const Presence& presence,
               std::span<const TimedValue* const> samples);
  void AddSlot(unsigned slot, uint32_t column, const Presence& presence,
               std::span<const TimedHistogram* const> samples);
  Status Emit(const Sink& sink);

  SegmentBuilder builder_;
  std::string blob_;
  std::vector<double> values_ = std::vector<double>(kMaxColumnEntries);
  std::vector<Timestamp> times_;
  const Slots<TimedStart>* starts_ = nullptr;  // of the samples in hand
  std::vector<Timestamp> start_of_ = std::vector<Timestamp>(kMaxColumnEntries);
};

}  // namespace tocsin::storage
