#include "query/histogram_fold.h"

#include <fmt/format.h>

namespace tocsin::query {

MergeNotes HistogramState::Add(const Histogram& h) {
  reset_seen_ = reset_seen_ || h.reset_hint == CounterResetHint::kReset;
  not_reset_seen_ = not_reset_seen_ || h.reset_hint == CounterResetHint::kNotReset;
  if (mixed_) return {};
  MergeNotes notes;
  if (mean_) {
    notes = average_.Add(h);
  } else if (!sum_) {
    sum_.emplace(h);
  } else {
    notes = AddHistogram(&*sum_, FlatHistogram(h), Rounding::kCompensated);
  }
  mixed_ = notes.mixed;
  return notes;
}

FlatHistogram HistogramState::Result() const {
  if (mean_) return average_.Result();
  FlatHistogram sum = *sum_;
  sum.Settle();
  return sum;
}

void HistogramFold::Add(const Row& row, size_t step) {
  auto& state = states_[step];
  if (state == nullptr) state = std::make_unique<HistogramState>(expr_.op == AggregateOp::kAvg);
  const MergeNotes notes = state->Add(*row.h[step]);
  if (notes.mixed) {
    context_.annotations.Warn(
        fmt::format("vector contains a mix of histograms with exponential and custom buckets "
                    "schemas for metric name \"{}\"",
                    row.labels.name()),
        expr_.expr->pos);
  }
  if (notes.reconciled) {
    context_.annotations.Info("mismatched custom buckets were reconciled during aggregation",
                              expr_.expr->pos);
  }
}

HistogramPtr HistogramFold::Finish(size_t step) {
  const HistogramState& state = *states_[step];
  if (state.mixed()) return nullptr;
  if (state.collided()) {
    context_.annotations.Warn("conflicting counter resets during histogram aggregation",
                              expr_.expr->pos);
  }
  FlatHistogram result = state.Result();
  result.Compact();
  return result.ToShared();
}

}  // namespace tocsin::query
