// Range selectors with `anchored` or `smoothed`: instead of extrapolating, the values at the edges
// of the window are taken from samples around it.
#pragma once

#include <utility>
#include <vector>

#include "query/functions/range.h"

namespace tocsin::query {

// rate and increase (`counter`) or delta; rate divides by the range.
void ExtendedChange(RangeCall& call, bool counter, bool per_second);

// The windows of changes and resets begin at the newest sample at or before their start. Calls
// f(step, window) for those that have a sample after it.
template <typename F>
void ForEachAnchoredWindow(RangeCall& call, F&& f) {
  WindowGrid wide = call.windows;
  wide.range_ms += call.lookback_ms;
  const SampleSeries& s = call.series;
  ForEachMixedWindow(s, wide, [&](size_t step, MixedWindow w) {
    const int64_t start = call.windows.end(step) - call.windows.range_ms;
    size_t f_in = w.f, h_in = w.h;  // first samples after the start
    while (f_in < w.f_end && s.t[f_in] <= start) ++f_in;
    while (h_in < w.h_end && s.ht[h_in] <= start) ++h_in;
    if (f_in == w.f_end && h_in == w.h_end) return;
    const bool before_f = f_in > w.f, before_h = h_in > w.h;
    const bool float_first = before_f && (!before_h || s.t[f_in - 1] > s.ht[h_in - 1]);
    w.f = f_in - (before_f && float_first ? 1 : 0);
    w.h = h_in - (before_h && !float_first ? 1 : 0);
    f(step, w);
  });
}

// The samples of the only window of a bare range selector, with its edges: (time, value). Empty
// when it has no result.
std::vector<std::pair<int64_t, double>> ExtendedPoints(const SampleSeries& series,
                                                       const WindowGrid& window, RangeMode mode,
                                                       int64_t lookback_ms);

// Between two samples, at `t_ms`; across a reset of a counter from zero.
HistogramPtr InterpolateHistograms(const HistogramPtr& before, int64_t before_ms,
                                   const HistogramPtr& after, int64_t after_ms, int64_t t_ms,
                                   bool counter);

}  // namespace tocsin::query
