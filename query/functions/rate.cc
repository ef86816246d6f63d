// rate and its kin: how fast a series changes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "query/functions/range.h"
#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

enum class Kind { kRate, kIncrease, kDelta };

// Indexes i where v[i] < v[i - 1]: a counter started anew.
std::vector<size_t> ResetsOf(const std::vector<double>& v) {
  std::vector<size_t> resets;
  for (size_t i = 1; i < v.size(); ++i) {
    if (v[i] < v[i - 1]) resets.push_back(i);
  }
  return resets;
}

// What the increase within the samples is multiplied by to cover the whole window. `zero_clamp`:
// counters do not reach below zero, so the window cannot be extended past that.
double Extrapolation(int64_t window_start, int64_t window_end, int64_t first, int64_t last,
                     size_t samples, bool zero_clamp, double first_value, double increase) {
  double to_start = static_cast<double>(first - window_start) / 1000;
  double to_end = static_cast<double>(window_end - last) / 1000;
  const double sampled = static_cast<double>(last - first) / 1000;
  const double average = sampled / static_cast<double>(samples - 1);
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  if (zero_clamp && increase > 0 && first_value >= 0) {
    const double to_zero = sampled * (first_value / increase);
    if (to_zero < to_start) to_start = to_zero;
  }
  if (to_end >= threshold) to_end = average / 2;
  return sampled == 0 ? 1 : (sampled + to_start + to_end) / sampled;
}

template <Kind kKind>
void Extrapolated(RangeCall& call) {
  const auto& t = call.series.t;
  const auto& v = call.series.v;
  const bool counter = kKind != Kind::kDelta;
  const std::vector<size_t> resets = counter ? ResetsOf(v) : std::vector<size_t>();
  size_t next_reset = 0;
  const double range_seconds = static_cast<double>(call.windows.range_ms) / 1000;
  ForEachWindow(t, call.windows, [&](size_t step, size_t first, size_t last) {
    if (last - first < 2) return;
    double result = v[last - 1] - v[first];
    while (next_reset < resets.size() && resets[next_reset] <= first) ++next_reset;
    for (size_t r = next_reset; r < resets.size() && resets[r] < last; ++r) {
      result += v[resets[r] - 1];
    }
    const int64_t end = call.windows.end(step);
    double factor = Extrapolation(end - call.windows.range_ms, end, t[first], t[last - 1],
                                  last - first, counter, v[first], result);
    if (kKind == Kind::kRate) factor /= range_seconds;
    call.out.v[step] = result * factor;
  });
}

template <bool kRate>
void Instant(RangeCall& call) {
  const auto& t = call.series.t;
  const auto& v = call.series.v;
  ForEachWindow(t, call.windows, [&](size_t step, size_t first, size_t last) {
    if (last - first < 2) return;
    const size_t i = last - 1;
    const int64_t interval = t[i] - t[i - 1];
    if (interval == 0) return;
    double result = v[i] - v[i - 1];
    if (kRate) {
      if (v[i] < v[i - 1]) result = v[i];
      result /= static_cast<double>(interval) / 1000;
    }
    call.out.v[step] = result;
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
    if (std::isinf(s.v[first])) return {kNaN, kNaN};
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
  ForEachWindow(call.series.t, call.windows, [&](size_t step, size_t first, size_t last) {
    if (last - first < 2) return;
    call.out.v[step] = Regress(call.series, first, last, call.series.t[first]).slope;
  });
}

void PredictLinear(RangeCall& call) {
  ForEachWindow(call.series.t, call.windows, [&](size_t step, size_t first, size_t last) {
    if (last - first < 2) return;
    const Line line = Regress(call.series, first, last, call.grid.at(step));
    call.out.v[step] = line.slope * call.params[0][step] + line.intercept;
  });
}

void DoubleExponentialSmoothing(RangeCall& call) {
  const auto& v = call.series.v;
  ForEachWindow(call.series.t, call.windows, [&](size_t step, size_t first, size_t last) {
    if (last - first < 2) return;
    const double smoothing = call.params[0][step], trend = call.params[1][step];
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

// Counts pairs of neighbours for which `differs`, by prefix sums.
template <typename Differs>
void CountPairs(RangeCall& call, Differs differs) {
  const auto& v = call.series.v;
  std::vector<uint32_t> before(v.size(), 0);  // pairs that end at or before each index
  for (size_t i = 1; i < v.size(); ++i)
    before[i] = before[i - 1] + (differs(v[i - 1], v[i]) ? 1 : 0);
  ForEachWindow(call.series.t, call.windows, [&](size_t step, size_t first, size_t last) {
    call.out.v[step] = static_cast<double>(before[last - 1] - before[first]);
  });
}

void Changes(RangeCall& call) {
  CountPairs(call, [](double a, double b) { return a != b && !(std::isnan(a) && std::isnan(b)); });
}

void Resets(RangeCall& call) {
  CountPairs(call, [](double a, double b) { return b < a; });
}

constexpr FunctionSpec kTable[] = {
    {.name = "rate", .args = {kMatrix}, .range = &Extrapolated<Kind::kRate>},
    {.name = "increase", .args = {kMatrix}, .range = &Extrapolated<Kind::kIncrease>},
    {.name = "delta", .args = {kMatrix}, .range = &Extrapolated<Kind::kDelta>},
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
    {.name = "resets", .args = {kMatrix}, .range = &Resets},
};

}  // namespace

std::span<const FunctionSpec> RateFunctions() { return kTable; }

}  // namespace tocsin::query
