// Range functions see one series and all windows at once, so that they can slide state along
// instead of reading each window anew.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "query/evaluator.h"

namespace tocsin::query {

struct RangeCall {
  QueryContext& context;
  const SampleSeries& series;
  const StepGrid& grid;  // evaluation times; the windows end at these, moved by offset and @
  const WindowGrid& windows;
  // Scalar arguments, in order, one value per step.
  std::span<const std::vector<double>> params;
  std::span<const PositionRange> param_pos;
  std::string_view metric_name;  // for annotations
  PositionRange range_pos;       // of the range argument
  RangeMode mode;
  int64_t lookback_ms;
  Row& out;       // cleared; labels are set
  Status status;  // set to fail the query
};

// Lets a query be stopped inside a long series: counts the samples that windows cover.
class WindowWork {
 public:
  explicit WindowWork(RangeCall& call) : call_(call) {}
  // False: give up, the reason is in the call's status.
  bool Add(size_t samples) {
    done_ += samples;
    if (done_ < kSamplesPerCheck) return true;
    done_ = 0;
    call_.status = call_.context.limits.CheckNow();
    return call_.status.ok();
  }

 private:
  static constexpr size_t kSamplesPerCheck = size_t{1} << 22;
  RangeCall& call_;
  size_t done_ = 0;
};

// Calls f(step, first, last) for each window that holds any float: those at [first, last).
template <typename F>
void ForEachWindow(RangeCall& call, const WindowGrid& windows, F&& f) {
  const std::vector<int64_t>& times = call.series.t;
  WindowWork work(call);
  size_t first = 0, last = 0;
  const size_t n = times.size();
  for (size_t i = 0; i < windows.count; ++i) {
    const int64_t end = windows.end(i), start = end - windows.range_ms;
    while (last < n && times[last] <= end) ++last;
    while (first < last && times[first] <= start) ++first;
    if (first == last) continue;
    f(i, first, last);
    if (!work.Add(last - first)) return;
  }
}
template <typename F>
void ForEachWindow(RangeCall& call, F&& f) {
  ForEachWindow(call, call.windows, std::forward<F>(f));
}

// Samples of one window: floats [f, f_end) and histograms [h, h_end).
struct MixedWindow {
  size_t f, f_end, h, h_end;
  size_t floats() const { return f_end - f; }
  size_t histograms() const { return h_end - h; }
};

// Calls f(step, window) for each window that holds any sample.
template <typename F>
void ForEachMixedWindow(const SampleSeries& series, const WindowGrid& windows, F&& f) {
  MixedWindow w{0, 0, 0, 0};
  auto move = [](const std::vector<int64_t>& times, int64_t start, int64_t end, size_t* first,
                 size_t* last) {
    while (*last < times.size() && times[*last] <= end) ++*last;
    while (*first < *last && times[*first] <= start) ++*first;
  };
  for (size_t i = 0; i < windows.count; ++i) {
    const int64_t end = windows.end(i), start = end - windows.range_ms;
    move(series.t, start, end, &w.f, &w.f_end);
    move(series.ht, start, end, &w.h, &w.h_end);
    if (w.floats() + w.histograms() > 0) f(i, w);
  }
}

// Texts that range functions share, with the metric's name and the position of the range.
void WarnMixedKinds(RangeCall& call);
void WarnMixedSchemas(RangeCall& call);
void InfoIgnoredHistograms(RangeCall& call);
// For functions of floats: raises that info for windows that hold both kinds.
void CheckForHistograms(RangeCall& call);

// Adds x to the Neumaier-compensated sum (sum, c). The result is sum + c.
inline void KahanAdd(double x, double* sum, double* c) {
  const double t = *sum + x;
  if (__builtin_isinf(t)) {
    *c = 0;
  } else if (__builtin_fabs(*sum) >= __builtin_fabs(x)) {
    *c += (*sum - t) + x;
  } else {
    *c += (x - t) + *sum;
  }
  *sum = t;
}

// Of sorted-or-not values, which are sorted in passing. NaN for none.
double Quantile(double q, std::vector<double>* values);
// Of values already sorted, NaN first.
double SortedQuantile(double q, std::span<const double> sorted);
// Raises the warning on quantiles outside [0, 1].
void WarnQuantile(QueryContext& context, double q, PositionRange pos);

}  // namespace tocsin::query
