// Samples that carry their own timestamps, on their way into an appender: those that share a
// timestamp go in as rows, the rest as columns of one series.
#pragma once

#include <vector>

#include "storage/appendable.h"

namespace tocsin::ingest {

// One thread; reusable.
class SampleBatch {
 public:
  void Reserve(size_t n) { samples_.reserve(n); }
  void Add(SeriesRef ref, Timestamp t, double v) { samples_.push_back({ref, t, v}); }
  bool empty() const { return samples_.empty(); }
  size_t size() const { return samples_.size(); }
  void Clear() { samples_.clear(); }

  // Appends everything and clears. Of two samples of one series at one time the first wins; the
  // second counts as a duplicate unless it is equal.
  storage::RowResult Flush(storage::Appender& appender, storage::RowHint& hint);

 private:
  struct Stamped {
    SeriesRef ref;
    Timestamp t;
    double v;
  };

  uint32_t DropRepeats();
  void AppendRows(storage::Appender& appender, storage::RowHint& hint, storage::RowResult* result);
  void AppendColumns(storage::Appender& appender, storage::RowResult* result);

  std::vector<Stamped> samples_;
  std::vector<Stamped> rest_;
  std::vector<SeriesRef> refs_;
  std::vector<Timestamp> times_;
  std::vector<double> values_;
};

}  // namespace tocsin::ingest
