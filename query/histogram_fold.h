// Sums and means of native histograms over the members of groups; the histogram half of sum and
// avg.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "query/context.h"
#include "query/histogram/arithmetic.h"
#include "query/parser/ast.h"

namespace tocsin::query {

// State of one group at one step.
class HistogramState {
 public:
  explicit HistogramState(bool mean) : mean_(mean) {}

  MergeNotes Add(const Histogram& h);
  // Left out of the result: exponential met custom buckets.
  bool mixed() const { return mixed_; }
  bool collided() const { return reset_seen_ && not_reset_seen_; }
  FlatHistogram Result() const;

 private:
  const bool mean_;
  bool mixed_ = false, reset_seen_ = false, not_reset_seen_ = false;
  std::optional<FlatHistogram> sum_;
  HistogramMean average_;
};

// One group: states only for the steps that have histograms.
class HistogramFold {
 public:
  HistogramFold(QueryContext& context, const AggregateExpr& expr, size_t steps)
      : context_(context), expr_(expr), states_(steps) {}

  void Add(const Row& row, size_t step);
  bool Has(size_t step) const { return states_[step] != nullptr; }
  // The histogram of a step that has no floats, or null.
  HistogramPtr Finish(size_t step);

 private:
  QueryContext& context_;
  const AggregateExpr& expr_;
  std::vector<std::unique_ptr<HistogramState>> states_;
};

}  // namespace tocsin::query
