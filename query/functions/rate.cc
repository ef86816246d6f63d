// rate and its kin: how fast a series changes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "query/functions/extended_range.h"
#include "query/functions/levels.h"
#include "query/functions/range.h"
#include "query/functions/rate_histogram.h"
#include "query/functions/registry.h"
#include "query/functions/start_time.h"
#include "query/histogram/arithmetic.h"

namespace tocsin::query {
namespace {

bool NamedLikeACounter(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

}  // namespace

// By their type where that is a label, by their name where it is not, or where the label is missing
// on a series that is named like one.
void CheckIsCounter(RangeCall& call) {
  const std::string_view name = call.metric_name;
  if (name.empty() || !call.out.AnyFloat()) return;
  if (!call.context.features.type_and_unit_labels) {
    if (NamedLikeACounter(name)) return;
    call.context.annotations.Info(fmt::format("metric might not be a counter, name does not end in "
                                              "_total/_sum/_count/_bucket: \"{}\"",
                                              name),
                                  call.range_pos);
    return;
  }
  const std::string_view type = call.series.labels.Get("__type__");
  if (type == "counter" || type == "histogram") return;
  if (type.empty() && NamedLikeACounter(name)) return;
  call.context.annotations.Info(
      fmt::format("metric might not be a counter, __type__ label is not set to \"counter\" or "
                  "\"histogram\", got \"{}\": \"{}\"",
                  type, name),
      call.range_pos);
}

namespace {

using enum ValueType;

// Indexes i where v[i] < v[i - 1]: a counter started anew.
std::vector<size_t> ResetsOf(std::span<const double> v) {
  std::vector<size_t> resets;
  bool any = false;  // nearly never, and quick to tell
  for (size_t i = 1; i < v.size(); ++i) any |= v[i] < v[i - 1];
  for (size_t i = 1; any && i < v.size(); ++i) {
    if (v[i] < v[i - 1]) resets.push_back(i);
  }
  return resets;
}

// Counters do not reach below zero: what lies before the first sample ends where it would be zero.
double ClampedFactor(const WindowIndex::Extrapolation& e, double first_value, double change,
                     double divisor) {
  // Far from zero, as nearly always, a division less tells that.
  constexpr double kSafe = 1.000001, kLarge = 1e300;
  const double zero = first_value * e.sampled;
  if (zero > e.to_start * change * kSafe && zero < kLarge) return e.factor;
  const double to_zero = e.sampled * (first_value / change);
  return to_zero < e.to_start ? e.FactorFrom(to_zero, divisor) : e.factor;
}

template <RateKind kKind>
void ExtrapolateFloats(RangeCall& call, std::span<const uint8_t> skip) {
  const auto t = call.series.t;
  const auto v = call.series.v;
  constexpr bool kCounter = kKind != RateKind::kDelta;
  const ValueShape shape = call.series.shape;
  const bool may_reset =
      kCounter && shape != ValueShape::kConstant && shape != ValueShape::kAscending;
  const std::vector<size_t> resets = may_reset ? ResetsOf(v) : std::vector<size_t>();
  size_t next_reset = 0;
  const double divisor =
      kKind == RateKind::kRate ? static_cast<double>(call.windows.range_ms) / 1000 : 1;
  const auto windows = call.index.Of(t);
  const auto extrapolations = call.index.ExtrapolationsOf(t, divisor);
  WindowWork work(call);
  for (size_t step = 0; step < windows.size(); ++step) {
    const auto [first, last] = windows[step];
    if (last - first < 2 || (!skip.empty() && skip[step] != 0)) continue;
    const double first_value = v[first];
    double change = v[last - 1] - first_value;
    if (!resets.empty()) {
      while (next_reset < resets.size() && resets[next_reset] <= first) ++next_reset;
      for (size_t r = next_reset; r < resets.size() && resets[r] < last; ++r) {
        change += v[resets[r] - 1];
      }
      if (!work.Add(last - first)) return;
    }
    const WindowIndex::Extrapolation& e = extrapolations[step];
    const double factor = kCounter && change > 0 && first_value >= 0
                              ? ClampedFactor(e, first_value, change, divisor)
                              : e.factor;
    call.out.v[step] = change * factor;
  }
}

// The same for a counter of which start timestamps are known.
template <RateKind kKind>
void ExtrapolateStarted(RangeCall& call, std::span<const uint8_t> skip) {
  const auto& t = call.series.t;
  const auto& v = call.series.v;
  const auto& st = call.series.st;
  const double range_seconds = static_cast<double>(call.windows.range_ms) / 1000;
  OverlapCheck overlaps(call);
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    if (!skip.empty() && skip[step] != 0) return;
    overlaps.Window(st, t, first, last);
    const int64_t end = call.windows.end(step), start = end - call.windows.range_ms;
    const bool started = StartsInside(start, st[first], t[first]);
    if (last - first < 2 && !started) return;
    double result = v[last - 1] - v[first];
    for (size_t i = first + 1; i < last; ++i) {
      if (v[i] < v[i - 1] || StartsAnew(st[i - 1], t[i - 1], st[i], t[i])) result += v[i - 1];
    }
    double factor;
    if (started) {
      result += v[first];
      factor = StartedFactor(end, st[first], t[first], t[last - 1], last - first);
    } else {
      factor = ExtrapolationFactor(start, end, t[first], t[last - 1], last - first, true, v[first],
                                   result);
    }
    if (kKind == RateKind::kRate) factor /= range_seconds;
    call.out.v[step] = result * factor;
  });
}

template <RateKind kKind>
void Extrapolated(RangeCall& call) {
  if (call.mode != RangeMode::kPlain) {
    ExtendedChange(call, kKind != RateKind::kDelta, kKind == RateKind::kRate);
    if (kKind != RateKind::kDelta) CheckIsCounter(call);
    return;
  }
  std::vector<uint8_t> skip;
  OverlapCheck overlaps(call);
  if (!call.series.h.empty()) {
    skip.resize(call.windows.count, 0);
    ForEachMixedWindow(call.series, call.windows, [&](size_t step, const MixedWindow& w) {
      if (w.histograms() == 0) return;
      skip[step] = 1;
      if (w.floats() > 0) return WarnMixedKinds(call);
      if (kKind != RateKind::kDelta && !call.series.hst.empty())
        overlaps.Window(call.series.hst, call.series.ht, w.h, w.h_end);
      ExtrapolatedHistogram(call, kKind, step, w);
    });
  }
  if (kKind != RateKind::kDelta && !call.series.st.empty())
    ExtrapolateStarted<kKind>(call, skip);
  else
    ExtrapolateFloats<kKind>(call, skip);
  if (kKind != RateKind::kDelta) CheckIsCounter(call);
}

template <bool kRate>
void InstantFloats(RangeCall& call, size_t step, size_t last) {
  const auto t = call.series.t;
  const auto v = call.series.v;
  const int64_t interval = t[last] - t[last - 1];
  if (interval == 0) return;
  double result = v[last] - v[last - 1];
  if (kRate) {
    const auto& st = call.series.st;
    if (v[last] < v[last - 1] ||
        (!st.empty() && StartsAnew(st[last - 1], t[last - 1], st[last], t[last])))
      result = v[last];
    result /= static_cast<double>(interval) / 1000;
  }
  call.out.v[step] = result;
}

// Decided by the two newest samples of the window, of whatever kind.
template <bool kRate>
void InstantMixed(RangeCall& call, size_t step, const MixedWindow& w) {
  if (w.floats() + w.histograms() < 2) return;
  const auto t = call.series.t;
  const auto& ht = call.series.ht;
  size_t f = w.f_end, h = w.h_end;
  int histograms = 0;
  for (int taken = 0; taken < 2; ++taken) {
    if (f == w.f || (h > w.h && ht[h - 1] > t[f - 1])) {
      --h;
      ++histograms;
    } else {
      --f;
    }
  }
  if (histograms == 0) return InstantFloats<kRate>(call, step, w.f_end - 1);
  if (histograms == 2) return InstantHistogram(call, kRate, step, w.h_end - 1);
  WarnMixedKinds(call);
}

template <bool kRate>
void Instant(RangeCall& call) {
  if (!call.series.h.empty()) {
    return ForEachMixedWindow(call.series, call.windows, [&](size_t step, const MixedWindow& w) {
      InstantMixed<kRate>(call, step, w);
    });
  }
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    if (last - first >= 2) InstantFloats<kRate>(call, step, last - 1);
  });
}

struct Line {
  double slope;
  double intercept;
};

// Least squares over samples [first, last), x in seconds from `origin_ms`.
Line Regress(const SampleSeries& s, size_t first, size_t last, int64_t origin_ms) {
  double x_sum = 0, x_c = 0, y_sum = 0, y_c = 0, xy_sum = 0, xy_c = 0, xx_sum = 0, xx_c = 0;
  bool constant = true;
  for (size_t i = first; i < last; ++i) {
    const double y = s.v[i];
    if (y != s.v[first] && i > first) constant = false;
    const double x = static_cast<double>(s.t[i] - origin_ms) / 1e3;
    KahanAdd(x, &x_sum, &x_c);
    KahanAdd(y, &y_sum, &y_c);
    KahanAdd(x * y, &xy_sum, &xy_c);
    KahanAdd(x * x, &xx_sum, &xx_c);
  }
  if (constant) {
    if (std::isinf(s.v[first])) return {NormalNaN(), NormalNaN()};
    return {0, s.v[first]};
  }
  const double n = static_cast<double>(last - first);
  const double x = x_sum + x_c, y = y_sum + y_c, xy = xy_sum + xy_c, xx = xx_sum + xx_c;
  const double covariance = xy - x * y / n;
  const double variance = xx - x * x / n;
  const double slope = covariance / variance;
  return {slope, y / n - slope * x / n};
}

void Deriv(RangeCall& call) {
  CheckForHistograms(call);
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    if (last - first < 2) return;
    call.out.v[step] = Regress(call.series, first, last, call.series.t[first]).slope;
  });
}

void PredictLinear(RangeCall& call) {
  CheckForHistograms(call);
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    if (last - first < 2) return;
    const Line line = Regress(call.series, first, last, call.grid.at(step));
    call.out.v[step] = line.slope * call.params[0][step] + line.intercept;
  });
}

// A factor outside (0, 1) fails the query.
void CheckFactor(RangeCall& call, std::string_view what, double factor) {
  if (factor > 0 && factor < 1) return;
  call.status = Error(
      ErrorCode::kExecution,
      fmt::format("invalid {0} factor. Expected: 0 < {1}f < 1, got: {2:f}", what, what[0], factor));
}

void DoubleExponentialSmoothing(RangeCall& call) {
  CheckForHistograms(call);
  const auto v = call.series.v;
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    const double smoothing = call.params[0][step], trend = call.params[1][step];
    CheckFactor(call, "trend", trend);
    CheckFactor(call, "smoothing", smoothing);
    if (last - first < 2) return;
    double previous = 0, current = v[first], slope = v[first + 1] - v[first];
    for (size_t i = first + 1; i < last; ++i) {
      const double x = smoothing * v[i];
      if (i > first + 1) slope = trend * (current - previous) + (1 - trend) * slope;
      const double y = (1 - smoothing) * (current + slope);
      previous = current;
      current = x + y;
    }
    call.out.v[step] = current;
  });
}

// Counts pairs of neighbours for which `differs`, told the index of the second, by prefix sums.
template <typename Differs>
void CountPairs(RangeCall& call, Differs differs) {
  const auto v = call.series.v;
  std::vector<uint32_t> before(v.size(), 0);  // pairs that end at or before each index
  for (size_t i = 1; i < v.size(); ++i) before[i] = before[i - 1] + (differs(i) ? 1 : 0);
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    call.out.v[step] = static_cast<double>(before[last - 1] - before[first]);
  });
}

// The same over floats and histograms in time order: a change of kind counts.
template <typename DiffersFloat, typename DiffersHistogram>
void CountMixedPairs(RangeCall& call, DiffersFloat floats, DiffersHistogram histograms) {
  const SampleSeries& s = call.series;
  auto count_window = [&](size_t step, const MixedWindow& w) {
    size_t f = w.f, h = w.h;
    int count = 0;
    bool any = false, last_was_float = false;
    while (f < w.f_end || h < w.h_end) {
      const bool is_float = h == w.h_end || (f < w.f_end && s.t[f] < s.ht[h]);
      if (any && is_float != last_was_float) {
        ++count;
      } else if (any) {
        count += is_float ? floats(f) : histograms(h);
      }
      ++(is_float ? f : h);
      last_was_float = is_float;
      any = true;
    }
    call.out.v[step] = count;
  };
  if (call.mode == RangeMode::kAnchored) return ForEachAnchoredWindow(call, count_window);
  ForEachMixedWindow(s, call.windows, count_window);
}

template <typename DiffersFloat, typename DiffersHistogram>
void CountAll(RangeCall& call, DiffersFloat floats, DiffersHistogram histograms) {
  if (call.series.h.empty() && call.mode == RangeMode::kPlain) return CountPairs(call, floats);
  CountMixedPairs(call, floats, histograms);
}

void Changes(RangeCall& call) {
  const SampleSeries& s = call.series;
  CountAll(
      call,
      [&](size_t i) {
        const double a = s.v[i - 1], b = s.v[i];
        return a != b && !(std::isnan(a) && std::isnan(b));
      },
      [&](size_t i) { return !SameHistogram(*s.h[i - 1], *s.h[i]); });
}

void Resets(RangeCall& call) {
  const SampleSeries& s = call.series;
  // As an anchored selector has no start timestamps.
  const bool plain = call.mode == RangeMode::kPlain;
  const auto anew = [plain](const auto& starts, const auto& times, size_t i) {
    return plain && !starts.empty() && StartsAnew(starts[i - 1], times[i - 1], starts[i], times[i]);
  };
  CountAll(
      call, [&](size_t i) { return s.v[i] < s.v[i - 1] || anew(s.st, s.t, i); },
      [&](size_t i) { return DetectReset(*s.h[i], *s.h[i - 1]) || anew(s.hst, s.ht, i); });
}

constexpr FunctionSpec kTable[] = {
    {.name = "rate",
     .args = {kMatrix},
     .range = &Extrapolated<RateKind::kRate>,
     .level = &LevelRate},
    {.name = "increase",
     .args = {kMatrix},
     .range = &Extrapolated<RateKind::kIncrease>,
     .level = &LevelIncrease},
    {.name = "delta",
     .args = {kMatrix},
     .range = &Extrapolated<RateKind::kDelta>,
     .level = &LevelDelta},
    {.name = "irate", .args = {kMatrix}, .range = &Instant<true>},
    {.name = "idelta", .args = {kMatrix}, .range = &Instant<false>},
    {.name = "deriv", .args = {kMatrix}, .range = &Deriv},
    {.name = "predict_linear",
     .args = {kMatrix, kScalar},
     .step_dependent = true,
     .range = &PredictLinear},
    {.name = "double_exponential_smoothing",
     .args = {kMatrix, kScalar, kScalar},
     .experimental = true,
     .range = &DoubleExponentialSmoothing},
    {.name = "changes", .args = {kMatrix}, .range = &Changes},
    {.name = "resets", .args = {kMatrix}, .range = &Resets, .level = &LevelResets},
};

}  // namespace

std::span<const FunctionSpec> RateFunctions() { return kTable; }

}  // namespace tocsin::query
