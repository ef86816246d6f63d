// Samples that carry their own timestamps, on their way into an appender: those that share a
// timestamp go in as rows, in the order they came; the rest as columns of one series.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/row_hints.h"
#include "storage/appendable.h"

namespace tocsin::ingest {

// One thread; reusable. Linear in the samples.
class SampleBatch {
 public:
  void Add(SeriesRef ref, Timestamp t, double v, Timestamp start = kNoStart) {
    if (samples_.empty() || t != instants_[last_].t) last_ = InstantOf(t);
    ++instants_[last_].count;
    samples_.push_back({ref, v, last_});
    if (start == kNoStart && starts_.empty()) return;
    starts_.resize(samples_.size(), kNoStart);
    starts_.back() = start;
  }
  bool empty() const { return samples_.empty(); }

  // Appends everything and clears.
  storage::RowResult Flush(storage::Appender& appender, RowHints& hints);

 private:
  struct Sample {
    SeriesRef ref;
    double v;
    uint32_t instant;
  };
  struct Instant {
    Timestamp t;
    size_t count = 0;
    size_t at = 0;  // of refs_ and values_, while flushing
  };

  std::span<const Timestamp> StartsFrom(size_t at, size_t count) const {
    if (ordered_starts_.empty()) return {};
    return std::span(ordered_starts_).subspan(at, count);
  }
  uint32_t InstantOf(Timestamp t);
  std::vector<uint32_t> InOrder() const;
  void Gather(const std::vector<uint32_t>& order);
  void AppendColumns(storage::Appender& appender, const std::vector<uint32_t>& instants,
                     storage::RowResult* result);

  std::vector<Sample> samples_;
  std::vector<Timestamp> starts_;  // of samples_; empty when none is known
  std::vector<Instant> instants_;
  absl::flat_hash_map<int64_t, uint32_t> by_time_;
  uint32_t last_ = 0;
  // By instant, in the order of arrival within each.
  std::vector<SeriesRef> refs_;
  std::vector<double> values_;
  std::vector<Timestamp> ordered_starts_;  // or empty
};

}  // namespace tocsin::ingest
