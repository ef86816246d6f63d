// What flows between the nodes of a query: rows, one per series, each with a value for every step.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "query/sample_counts.h"
#include "query/value.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/level_cell.h"
#include "storage/model/sample.h"

namespace tocsin::query {

// The evaluation times of a node: start, start + step, ...; `count` of them.
struct StepGrid {
  int64_t start_ms = 0;
  int64_t step_ms = 1;  // > 0 also when count is 1
  size_t count = 1;
  SampleCounts* counts = nullptr;  // of the query's steps; null inside subqueries
  bool pinned = false;             // the one step stands for all of the query

  int64_t at(size_t i) const { return start_ms + static_cast<int64_t>(i) * step_ms; }
  int64_t last() const { return at(count - 1); }
  // The same for a part that has one value for all steps.
  StepGrid Once() const { return {start_ms, step_ms, 1, counts, pinned || count > 1}; }
  void Count(size_t i, SampleCount n) const {
    if (pinned)
      counts->AddPinned(n);
    else
      counts->Add(i, n);
  }
};

// The value of a step without one. No computation yields these bits (arithmetic on a marker gives
// another NaN), and selectors never hand staleness markers on, so the bits are free to use here.
inline double Absent() { return StaleMarker(); }
inline bool IsAbsent(double v) { return IsStale(v); }
inline bool IsPresent(double v) { return !IsStale(v); }

// One series over all steps of a grid. A step holds a float, a histogram, or nothing.
struct Row {
  Labels labels;
  bool drop_name = false;       // delayed name removal: the name goes at the end of the query
  std::vector<double> v;        // one per step; Absent() where there is no float
  std::vector<HistogramPtr> h;  // empty when the row has no histograms, else one per step

  void Clear(size_t steps) {
    v.assign(steps, Absent());
    h.clear();
  }
  bool HasHistogram(size_t i) const { return !h.empty() && h[i] != nullptr; }
  bool Has(size_t i) const { return IsPresent(v[i]) || HasHistogram(i); }
  bool AnyFloat() const;
  bool Empty() const;
  void SetHistogram(size_t i, HistogramPtr value) {
    if (h.empty()) h.resize(v.size());
    h[i] = std::move(value);
  }
};

// Gives rows one at a time, so that a chain of nodes (selector, function, aggregation) holds one
// series and not all of them. One thread.
class RowStream {
 public:
  virtual ~RowStream() = default;
  // Fills `row` (reusing its memory); false at the end. Rows may be empty.
  virtual Result<bool> Next(Row* row) = 0;
  // Whether no two rows become equal when the metric name is taken away.
  virtual bool distinct_without_name() const { return false; }
};
using RowStreamPtr = std::unique_ptr<RowStream>;
using Rows = std::vector<Row>;

// Gives the rows of a vector.
class RowsStream final : public RowStream {
 public:
  explicit RowsStream(Rows rows, bool distinct = false)
      : rows_(std::move(rows)), distinct_(distinct) {}
  Result<bool> Next(Row* row) override {
    if (next_ == rows_.size()) return false;
    *row = std::move(rows_[next_++]);
    return true;
  }
  bool distinct_without_name() const override { return distinct_; }

 private:
  Rows rows_;
  bool distinct_;
  size_t next_ = 0;
};

// Samples of one series as range functions see them, oldest first, without staleness markers.
struct SampleSeries {
  Labels labels;
  bool drop_name = false;
  // Of floats: their times in ms and their values. Views of what storage decoded or of `own_t` and
  // `own_v`; valid until the stream that gave them moves on.
  std::span<const int64_t> t;
  std::span<const double> v;
  std::vector<int64_t> ht;  // of histograms, ms
  std::vector<HistogramPtr> h;
  // Of v, when all of it comes from one block that tells.
  ValueShape shape = ValueShape::kAny;
  // Start timestamps, ms, 0 where unknown: as many as t and ht, or empty when none is known.
  std::vector<int64_t> st;
  std::vector<int64_t> hst;
  // When a level stands for some of the samples: all floats are cells, in order of time, t and v
  // are empty, and weights says how many samples each histogram stands for.
  std::vector<storage::LevelCell> cells;
  std::vector<uint32_t> weights;

  std::vector<int64_t> own_t;
  std::vector<double> own_v;

  void Clear() {
    t = {};
    v = {};
    shape = ValueShape::kAny;
    own_t.clear();
    own_v.clear();
    ht.clear();
    h.clear();
    st.clear();
    hst.clear();
    cells.clear();
    weights.clear();
  }
  // After own_t and own_v were filled.
  void ShowOwn() {
    t = own_t;
    v = own_v;
  }
};

class SampleStream {
 public:
  virtual ~SampleStream() = default;
  virtual Result<bool> Next(SampleSeries* series) = 0;
  virtual bool distinct_without_name() const { return false; }
};
using SampleStreamPtr = std::unique_ptr<SampleStream>;

}  // namespace tocsin::query
