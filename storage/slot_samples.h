// Samples of the series of one group as plain vectors, ascending in time: for what does not go into
// the streams of a timeline (late samples, native histograms).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "storage/base/time.h"
#include "storage/key_schema.h"
#include "storage/model/histogram.h"
#include "storage/model/sample.h"

namespace tocsin::storage {

// A sample in time order of its series.
struct TimedValue {
  Timestamp t;
  double value = 0;
};
struct TimedHistogram {
  Timestamp t;
  std::shared_ptr<const Histogram> value;
  Timestamp start = kNoStart;
};
// The start timestamp of the sample at t.
struct TimedStart {
  Timestamp t;
  Timestamp start;
};

// Ascending; of equal times the first stays.
template <typename T>
void SortByTime(std::vector<T>* samples, size_t from = 0) {
  const auto begin = samples->begin() + static_cast<std::ptrdiff_t>(from);
  const auto not_after = [](const T& a, const T& b) { return a.t >= b.t; };
  if (std::adjacent_find(begin, samples->end(), not_after) == samples->end()) return;
  std::stable_sort(begin, samples->end(), [](const T& a, const T& b) { return a.t < b.t; });
  const auto same = [](const T& a, const T& b) { return a.t == b.t; };
  samples->erase(std::unique(begin, samples->end(), same), samples->end());
}

// Floats of one series. Start timestamps are rare: they have a list of their own, which is empty or
// has one for each value.
struct SampleList {
  std::vector<TimedValue> values;
  std::vector<TimedStart> starts;

  void Add(Timestamp t, double value, Timestamp start = kNoStart) {
    values.push_back({t, value});
    if (start == kNoStart && starts.empty()) return;
    while (starts.size() + 1 < values.size()) starts.push_back({values[starts.size()].t, kNoStart});
    starts.push_back({t, start});
  }
  void Clear() {
    values.clear();
    starts.clear();
  }
  // As SortByTime, from the given place on.
  void Sort(size_t from = 0) {
    SortByTime(&values, from);
    if (!starts.empty()) SortByTime(&starts, from);
  }
  Timestamp start(size_t i) const { return starts.empty() ? kNoStart : starts[i].start; }
};

// A value (movable); empty ones take no memory. T: TimedValue, TimedHistogram or TimedStart.
template <typename T>
class SlotSamples {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  // No sample has an older row; kNone when there is none.
  uint64_t first_log_seq() const { return empty() ? kNone : first_log_seq_; }
  std::span<const T> of(size_t slot) const {
    return slots_ == nullptr ? std::span<const T>() : std::span<const T>((*slots_)[slot]);
  }

  // REQUIRES: Find(slot, sample.t) is null.
  void Add(unsigned slot, T sample, uint64_t log_seq) {
    if (slots_ == nullptr) slots_ = std::make_unique<Slots>();
    first_log_seq_ = empty() ? log_seq : std::min(first_log_seq_, log_seq);
    auto& samples = (*slots_)[slot];
    samples.insert(LowerBound(samples, sample.t), std::move(sample));
    ++count_;
  }
  const T* Find(unsigned slot, Timestamp t) const {
    if (slots_ == nullptr) return nullptr;
    auto& samples = (*slots_)[slot];
    const auto it = LowerBound(samples, t);
    return it != samples.end() && it->t == t ? &*it : nullptr;
  }
  bool MayHave(unsigned slot, Timestamp from, Timestamp to) const {
    const auto samples = of(slot);
    return !samples.empty() && samples.back().t >= from && samples.front().t <= to;
  }
  void Read(unsigned slot, Timestamp from, Timestamp to, std::vector<T>* out) const {
    for (const T& sample : of(slot))
      if (sample.t >= from && sample.t <= to) out->push_back(sample);
  }
  Timestamp oldest() const {
    Timestamp oldest = kMaxTimestamp;
    for (size_t slot = 0; slot < kGroupSlots; ++slot)
      if (!of(slot).empty()) oldest = std::min(oldest, of(slot).front().t);
    return oldest;
  }
  Timestamp newest() const {
    Timestamp newest = kMinTimestamp;
    for (size_t slot = 0; slot < kGroupSlots; ++slot)
      if (!of(slot).empty()) newest = std::max(newest, of(slot).back().t);
    return newest;
  }

  // What is older than `cut` moves to the result.
  SlotSamples Split(Timestamp cut) {
    SlotSamples taken;
    if (empty()) return taken;
    taken.slots_ = std::make_unique<Slots>();
    taken.first_log_seq_ = first_log_seq_;
    for (size_t slot = 0; slot < kGroupSlots; ++slot) {
      auto& from = (*slots_)[slot];
      const auto end = LowerBound(from, cut);
      (*taken.slots_)[slot].assign(std::make_move_iterator(from.begin()),
                                   std::make_move_iterator(end));
      from.erase(from.begin(), end);
      taken.count_ += (*taken.slots_)[slot].size();
    }
    Took(taken.count_);
    if (taken.empty()) taken.slots_.reset();
    return taken;
  }
  // The reverse; of equal times those of `other` stay.
  void Join(SlotSamples other) {
    if (other.empty()) return;
    if (empty()) {
      *this = std::move(other);
      return;
    }
    first_log_seq_ = std::min(first_log_seq_, other.first_log_seq_);
    count_ = 0;
    for (size_t slot = 0; slot < kGroupSlots; ++slot) {
      auto& to = (*slots_)[slot];
      auto& from = (*other.slots_)[slot];
      to.insert(to.begin(), std::make_move_iterator(from.begin()),
                std::make_move_iterator(from.end()));
      SortByTime(&to);
      count_ += to.size();
    }
  }
  void Erase(unsigned slot, Timestamp from, Timestamp to) {
    if (slots_ == nullptr) return;
    Took(std::erase_if((*slots_)[slot],
                       [&](const T& sample) { return sample.t >= from && sample.t <= to; }));
  }

 private:
  using Slots = std::array<std::vector<T>, kGroupSlots>;

  static auto LowerBound(std::vector<T>& samples, Timestamp t) {
    // Nearly always at the end.
    if (samples.empty() || samples.back().t < t) return samples.end();
    return std::lower_bound(samples.begin(), samples.end(), t,
                            [](const T& a, Timestamp at) { return a.t < at; });
  }
  void Took(size_t n) {
    count_ -= n;
    if (count_ == 0) slots_.reset();
  }

  std::unique_ptr<Slots> slots_;
  uint64_t first_log_seq_ = 0;
  size_t count_ = 0;
};

using LateSamples = SlotSamples<TimedValue>;
using HistogramSamples = SlotSamples<TimedHistogram>;
using LateStarts = SlotSamples<TimedStart>;  // of those late samples that have one

}  // namespace tocsin::storage
