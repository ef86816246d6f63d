// Range functions see one series and all windows at once, so that they can slide state along
// instead of reading each window anew.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "query/evaluator.h"

namespace tocsin::query {

// What is known of the windows of a grid from the times of a series alone. The series of one target
// share their times, so what was found for one is kept for the next.
class WindowIndex {
 public:
  explicit WindowIndex(const WindowGrid& windows) : grid_(windows) {}

  // The samples of window i are [first, last). REQUIRES: fewer than 2^32 times, ascending.
  struct Window {
    uint32_t first, last;
  };
  std::span<const Window> Of(std::span<const int64_t> times);

  // What all windows hold together.
  SampleCount Covered(std::span<const int64_t> times);

  // How far a change within a window reaches beyond its samples; of windows with two or more.
  struct Extrapolation {
    double sampled;   // s between the first and the last sample
    double to_start;  // s before the first, unless a counter would fall below zero
    double to_end;    // s behind the last
    double factor;    // what all three make of the change

    double FactorFrom(double start, double divisor) const {
      return (sampled == 0 ? 1 : (sampled + start + to_end) / sampled) / divisor;
    }
  };
  // The factors are divided by `divisor`, the same at every call.
  std::span<const Extrapolation> ExtrapolationsOf(std::span<const int64_t> times, double divisor);

 private:
  const WindowGrid grid_;
  std::vector<int64_t> times_;  // those the rest is of
  std::vector<Window> windows_;
  std::optional<SampleCount> covered_;
  std::vector<Extrapolation> extrapolations_;  // empty until asked for
};

struct RangeCall {
  QueryContext& context;
  const SampleSeries& series;
  const StepGrid& grid;  // evaluation times; the windows end at these, moved by offset and @
  const WindowGrid& windows;
  WindowIndex& index;  // of `windows`
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
void ForEachWindow(RangeCall& call, F&& f) {
  WindowWork work(call);
  const auto windows = call.index.Of(call.series.t);
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto [first, last] = windows[i];
    if (first == last) continue;
    f(i, first, last);
    if (!work.Add(last - first)) return;
  }
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
  auto move = [](std::span<const int64_t> times, int64_t start, int64_t end, size_t* first,
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
  const bool keep = __builtin_fabs(*sum) >= __builtin_fabs(x);
  const double larger = keep ? *sum : x, smaller = keep ? x : *sum;
  const double next = *c + ((larger - t) + smaller);
  *c = __builtin_isinf(t) ? 0 : next;
  *sum = t;
}

// Of sorted-or-not values, which are sorted in passing. NaN for none.
double Quantile(double q, std::vector<double>* values);
// Of values already sorted, NaN first.
double SortedQuantile(double q, std::span<const double> sorted);
// Raises the warning on quantiles outside [0, 1].
void WarnQuantile(QueryContext& context, double q, PositionRange pos);

}  // namespace tocsin::query
