#include "query/functions/extended_range.h"

#include <algorithm>

#include "query/functions/rate_histogram.h"
#include "query/histogram/arithmetic.h"

namespace tocsin::query {
namespace {

// Which samples decide about a window (start, end]: all in [first, last], where the ends may lie
// outside.
struct Reach {
  size_t first, last;
  int64_t start, end;
};

// Of samples [begin, end) around the window; false when there is no result.
bool FindReach(std::span<const int64_t> t, size_t begin, size_t end, int64_t window_start,
               int64_t window_end, RangeMode mode, Reach* reach) {
  const auto from = t.begin() + begin, until = t.begin() + end - 1;
  const auto after_start = std::upper_bound(from, until, window_start);
  size_t first = static_cast<size_t>(after_start - t.begin());
  if (first > begin) --first;
  size_t last = end - 1;
  if (mode == RangeMode::kSmoothed) {
    last = static_cast<size_t>(std::lower_bound(from, until, window_end) - t.begin());
    if (t[first] > window_end) return false;
  }
  *reach = {first, last, window_start, window_end};
  return t[last] > window_start;
}

double Interpolate(double y1, int64_t t1, double y2, int64_t t2, int64_t t, bool counter) {
  if (counter && y2 < y1) y1 = 0;
  return y1 + (y2 - y1) * static_cast<double>(t - t1) / static_cast<double>(t2 - t1);
}

struct Edges {
  double left, right;
};

Edges EdgesOf(const SampleSeries& s, const Reach& r, RangeMode mode, bool counter) {
  Edges edges{s.v[r.first], s.v[r.last]};
  if (mode != RangeMode::kSmoothed) return edges;
  if (s.t[r.first] < r.start) {
    edges.left = Interpolate(s.v[r.first], s.t[r.first], s.v[r.first + 1], s.t[r.first + 1],
                             r.start, counter);
  }
  if (s.t[r.last] > r.end && r.last > 0) {
    edges.right =
        Interpolate(s.v[r.last - 1], s.t[r.last - 1], s.v[r.last], s.t[r.last], r.end, counter);
  }
  return edges;
}

// Calls f(i) for the samples strictly inside the window.
template <typename F>
void ForEachInside(std::span<const int64_t> t, const Reach& r, F&& f) {
  for (size_t i = r.first; i <= r.last; ++i) {
    if (t[i] > r.start && t[i] < r.end) f(i);
  }
}

double FloatChange(const SampleSeries& s, const Reach& r, RangeMode mode, bool counter) {
  const Edges edges = EdgesOf(s, r, mode, counter);
  double change = edges.right - edges.left;
  if (!counter) return change;
  double previous = edges.left;
  auto pass = [&](double v) {
    if (v < previous) change += previous;
    previous = v;
  };
  ForEachInside(s.t, r, [&](size_t i) { pass(s.v[i]); });
  pass(edges.right);
  return change;
}

// The window around which samples are read.
WindowGrid Wider(const WindowGrid& windows, RangeMode mode, int64_t lookback_ms) {
  WindowGrid wide = windows;
  wide.range_ms += lookback_ms;
  if (mode == RangeMode::kSmoothed) {
    wide.first_end_ms += lookback_ms;
    wide.range_ms += lookback_ms;
  }
  return wide;
}

// Edges and inner samples of a window of histograms, in order.
std::vector<HistogramPtr> HistogramPath(const SampleSeries& s, const Reach& r, RangeMode mode,
                                        bool counter) {
  HistogramPtr left = s.h[r.first], right = s.h[r.last];
  if (mode == RangeMode::kSmoothed && s.ht[r.first] < r.start) {
    left = InterpolateHistograms(s.h[r.first], s.ht[r.first], s.h[r.first + 1], s.ht[r.first + 1],
                                 r.start, counter);
  }
  if (mode == RangeMode::kSmoothed && s.ht[r.last] > r.end && r.last > 0) {
    right = InterpolateHistograms(s.h[r.last - 1], s.ht[r.last - 1], s.h[r.last], s.ht[r.last],
                                  r.end, counter);
  }
  std::vector<HistogramPtr> path{left};
  ForEachInside(s.ht, r, [&](size_t i) {
    if (i != r.first) path.push_back(s.h[i]);
  });
  if (path.size() == 1 || s.ht[r.last] >= r.end) path.push_back(right);
  return path;
}

void HistogramChangeAt(RangeCall& call, bool counter, bool per_second, size_t step,
                       const Reach& reach) {
  std::vector<HistogramPtr> path = HistogramPath(call.series, reach, call.mode, counter);
  if (std::find(path.begin(), path.end(), nullptr) != path.end()) return WarnMixedSchemas(call);
  FlatHistogram change;
  if (!HistogramChange(call, counter, path, {}, &change)) return;
  if (per_second) change.Divide(static_cast<double>(call.windows.range_ms) / 1000);
  call.out.SetHistogram(step, change.ToShared());
}

}  // namespace

HistogramPtr InterpolateHistograms(const HistogramPtr& before, int64_t before_ms,
                                   const HistogramPtr& after, int64_t after_ms, int64_t t_ms,
                                   bool counter) {
  const double share =
      static_cast<double>(t_ms - before_ms) / static_cast<double>(after_ms - before_ms);
  FlatHistogram result(*after);
  if (counter && DetectReset(*after, *before)) {
    result.Multiply(share);
    return result.ToShared();
  }
  if (SubtractHistogram(&result, FlatHistogram(*before)).mixed) return nullptr;
  result.Multiply(share);
  AddHistogram(&result, FlatHistogram(*before), Rounding::kPlain);
  result.hint = before->reset_hint == CounterResetHint::kGauge &&
                        after->reset_hint == CounterResetHint::kGauge
                    ? CounterResetHint::kGauge
                    : CounterResetHint::kUnknown;
  result.Compact();
  return result.ToShared();
}

void ExtendedChange(RangeCall& call, bool counter, bool per_second) {
  const SampleSeries& s = call.series;
  const WindowGrid wide = Wider(call.windows, call.mode, call.lookback_ms);
  ForEachMixedWindow(s, wide, [&](size_t step, const MixedWindow& w) {
    if (w.floats() > 0 && w.histograms() > 0) return WarnMixedKinds(call);
    const int64_t end = call.windows.end(step), start = end - call.windows.range_ms;
    Reach reach;
    if (w.histograms() > 0) {
      if (FindReach(s.ht, w.h, w.h_end, start, end, call.mode, &reach)) {
        HistogramChangeAt(call, counter, per_second, step, reach);
      }
      return;
    }
    if (!FindReach(s.t, w.f, w.f_end, start, end, call.mode, &reach)) return;
    double change = FloatChange(s, reach, call.mode, counter);
    if (per_second) change /= static_cast<double>(call.windows.range_ms) / 1000;
    call.out.v[step] = change;
  });
}

std::vector<std::pair<int64_t, double>> ExtendedPoints(const SampleSeries& series,
                                                       const WindowGrid& window, RangeMode mode,
                                                       int64_t lookback_ms) {
  std::vector<std::pair<int64_t, double>> points;
  const WindowGrid wide = Wider(window, mode, lookback_ms);
  ForEachMixedWindow(series, wide, [&](size_t step, const MixedWindow& w) {
    const int64_t end = window.end(step), start = end - window.range_ms;
    Reach reach;
    if (!FindReach(series.t, w.f, w.f_end, start, end, mode, &reach)) return;
    const Edges edges = EdgesOf(series, reach, mode, false);
    points.emplace_back(start, edges.left);
    ForEachInside(series.t, reach,
                  [&](size_t i) { points.emplace_back(series.t[i], series.v[i]); });
    points.emplace_back(end, edges.right);
  });
  return points;
}

}  // namespace tocsin::query
