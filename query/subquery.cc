#include "query/subquery.h"

#include "query/selector.h"

namespace tocsin::query {
namespace {

// Inner steps a subquery may have; beyond that the answer could not be held anyway.
constexpr int64_t kMaxInnerSteps = 10'000'000;

// The inner steps are absolute multiples of the step, from the first one inside the left-open
// window of the first outer step to the last outer step.
StepGrid InnerGrid(const WindowGrid& windows, int64_t step) {
  const int64_t left = windows.first_end_ms - windows.range_ms;
  StepGrid inner;
  inner.step_ms = step;
  inner.start_ms = step * (left / step);
  if (inner.start_ms <= left) inner.start_ms += step;
  const int64_t last = windows.end(windows.count - 1);
  inner.count = last < inner.start_ms ? 0 : static_cast<size_t>((last - inner.start_ms) / step) + 1;
  return inner;
}

// A hint tells about the sample before, which the subquery may have skipped.
HistogramPtr WithoutHint(const HistogramPtr& h) {
  if (h->reset_hint == CounterResetHint::kGauge || h->reset_hint == CounterResetHint::kUnknown) {
    return h;
  }
  auto copy = std::make_shared<Histogram>(*h);
  copy->reset_hint = CounterResetHint::kUnknown;
  return copy;
}

class SubqueryStream final : public SampleStream {
 public:
  // REQUIRES: inner.count / 2 samples are held; they are given back at the end.
  SubqueryStream(Limits& limits, RowStreamPtr rows, const StepGrid& inner)
      : limits_(limits), rows_(std::move(rows)), inner_(inner) {}
  ~SubqueryStream() override { limits_.Release(inner_.count / 2); }

  Result<bool> Next(SampleSeries* series) override {
    TOCSIN_ASSIGN(bool more, rows_->Next(&row_));
    if (!more) return false;
    series->Clear();
    series->labels = row_.labels;
    series->drop_name = row_.drop_name;
    for (size_t i = 0; i < inner_.count; ++i) {
      if (IsPresent(row_.v[i])) {
        series->own_t.push_back(inner_.at(i));
        series->own_v.push_back(row_.v[i]);
      } else if (row_.HasHistogram(i)) {
        series->ht.push_back(inner_.at(i));
        series->h.push_back(WithoutHint(row_.h[i]));
      }
    }
    series->ShowOwn();
    return true;
  }
  bool distinct_without_name() const override { return rows_->distinct_without_name(); }

 private:
  Limits& limits_;
  RowStreamPtr rows_;
  const StepGrid inner_;
  Row row_;
};

}  // namespace

Result<RangeInput> EvaluateSubquery(Evaluator& evaluator, const SubqueryExpr& subquery,
                                    const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  const ReferenceTimes references = ReferencesOf(context, subquery.time, grid);
  RangeInput input;
  input.windows = {references.first_ms, references.step_ms, subquery.range.value.count(),
                   grid.count};
  int64_t step = subquery.step.value.count();
  if (step == 0) step = context.subquery_step_ms;
  const StepGrid inner = InnerGrid(input.windows, step);
  if (inner.count > kMaxInnerSteps) {
    return Error(ErrorCode::kLimit,
                 "query processing would load too many samples into memory in query execution");
  }
  // The row in hand; its steps may be many more than those of the query.
  TOCSIN_RETURN_IF_ERROR(context.limits.Hold(inner.count / 2));
  RowStreamPtr rows = std::make_unique<RowsStream>(Rows(), true);
  if (inner.count > 0) {
    TOCSIN_ASSIGN(rows, evaluator.Vector(*subquery.expr, inner));
  }
  input.stream = std::make_unique<SubqueryStream>(context.limits, std::move(rows), inner);
  return input;
}

}  // namespace tocsin::query
