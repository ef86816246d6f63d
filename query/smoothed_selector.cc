#include "query/smoothed_selector.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/functions/extended_range.h"
#include "query/selector.h"

namespace tocsin::query {
namespace {

class SmoothedStream final : public RowStream {
 public:
  SmoothedStream(QueryContext& context, const VectorSelector& selector, SampleStreamPtr samples,
                 const ReferenceTimes& references, size_t steps)
      : context_(context),
        selector_(selector),
        samples_(std::move(samples)),
        references_(references),
        steps_(steps) {}

  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, samples_->Next(&series_));
    if (!more) return false;
    row->Clear(steps_);
    row->labels = series_.labels;
    row->drop_name = series_.drop_name;
    const int64_t lookback = context_.lookback_ms;
    const WindowGrid around{references_.first_ms + lookback, references_.step_ms, 2 * lookback,
                            steps_};
    ForEachMixedWindow(series_, around, [&](size_t step, const MixedWindow& w) {
      const int64_t t = references_.at(step);
      if (w.floats() > 0 && w.histograms() > 0) {
        context_.annotations.Warn(
            fmt::format("encountered a mix of histograms and floats for metric name \"{}\"",
                        series_.labels.name()),
            selector_.pos);
      } else if (w.floats() > 0) {
        FloatAt(t, w, &row->v[step]);
      } else {
        HistogramPtr h = HistogramAt(t, w);
        if (h != nullptr) row->SetHistogram(step, std::move(h));
      }
    });
    return true;
  }
  bool distinct_without_name() const override { return samples_->distinct_without_name(); }

 private:
  // The first sample of [begin, end) after t.
  static size_t After(std::span<const int64_t> times, size_t begin, size_t end, int64_t t) {
    return static_cast<size_t>(std::upper_bound(times.begin() + begin, times.begin() + end, t) -
                               times.begin());
  }
  void FloatAt(int64_t t, const MixedWindow& w, double* value) const {
    const size_t next = After(series_.t, w.f, w.f_end, t);
    if (next == w.f) return;  // only later samples
    const int64_t t1 = series_.t[next - 1];
    const double y1 = series_.v[next - 1];
    if (t1 == t || next == w.f_end) {
      *value = y1;
      return;
    }
    *value = y1 + (series_.v[next] - y1) * static_cast<double>(t - t1) /
                      static_cast<double>(series_.t[next] - t1);
  }
  HistogramPtr HistogramAt(int64_t t, const MixedWindow& w) const {
    const size_t next = After(series_.ht, w.h, w.h_end, t);
    if (next == w.h) return nullptr;
    const HistogramPtr& before = series_.h[next - 1];
    if (series_.ht[next - 1] == t) return before;
    if (next == w.h_end) {
      auto copy = std::make_shared<Histogram>(*before);
      if (copy->reset_hint != CounterResetHint::kGauge) {
        copy->reset_hint = CounterResetHint::kUnknown;
      }
      return copy;
    }
    const HistogramPtr& after = series_.h[next];
    const bool gauges = before->reset_hint == CounterResetHint::kGauge &&
                        after->reset_hint == CounterResetHint::kGauge;
    return InterpolateHistograms(before, series_.ht[next - 1], after, series_.ht[next], t, !gauges);
  }

  QueryContext& context_;
  const VectorSelector& selector_;
  SampleStreamPtr samples_;
  const ReferenceTimes references_;
  const size_t steps_;
  SampleSeries series_;
};

}  // namespace

Result<RowStreamPtr> SelectSmoothed(QueryContext& context, const VectorSelector& selector,
                                    const StepGrid& grid) {
  const ReferenceTimes references = ReferencesOf(context, selector.time, grid);
  TOCSIN_ASSIGN(auto samples, SelectSamples(context, selector, references, grid.count,
                                            context.lookback_ms, context.lookback_ms, {}));
  return RowStreamPtr(std::make_unique<SmoothedStream>(context, selector, std::move(samples),
                                                       references, grid.count));
}

}  // namespace tocsin::query
