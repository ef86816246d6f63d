// <aggregation>_over_time: what aggregations do over series, done over the samples of one.
#include <algorithm>
#include <cmath>
#include <limits>

#include "query/functions/levels.h"
#include "query/functions/range.h"
#include "query/functions/registry.h"
#include "query/histogram_fold.h"

namespace tocsin::query {

double SortedQuantile(double q, std::span<const double> sorted) {
  if (sorted.empty() || std::isnan(q)) return NormalNaN();
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  const double n = static_cast<double>(sorted.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return sorted[static_cast<size_t>(lower)] * (1 - weight) +
         sorted[static_cast<size_t>(upper)] * weight;
}

namespace {

using enum ValueType;

// Orders NaN before all numbers.
bool NaNFirst(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; }

}  // namespace

double Quantile(double q, std::vector<double>* values) {
  std::sort(values->begin(), values->end(), NaNFirst);
  return SortedQuantile(q, *values);
}

namespace {

// When all values are whole numbers whose running sums stay below 2^53, sums in any order are exact
// and equal the compensated ones: prefix sums answer every window.
bool WholeSums(std::span<const double> v, std::vector<double>* prefix) {
  constexpr double kExact = 9007199254740992.0;
  double magnitude = 0, sum = 0;
  prefix->resize(v.size() + 1);
  (*prefix)[0] = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    magnitude += std::fabs(v[i]);
    if (!(magnitude < kExact) || v[i] != std::trunc(v[i]) || (v[i] == 0 && std::signbit(v[i]))) {
      return false;
    }
    sum += v[i];
    (*prefix)[i + 1] = sum;
  }
  return true;
}

double CompensatedSum(std::span<const double> v, size_t first, size_t last) {
  double sum = 0, c = 0;
  for (size_t i = first; i < last; ++i) KahanAdd(v[i], &sum, &c);
  return std::isinf(sum) ? sum : sum + c;
}

double CompensatedMean(std::span<const double> v, size_t first, size_t last) {
  double sum = v[first], c = 0, mean = 0, count = 1;
  bool incremental = false;
  for (size_t i = first + 1; i < last; ++i) {
    count = static_cast<double>(i - first + 1);
    if (!incremental) {
      double next_sum = sum, next_c = c;
      KahanAdd(v[i], &next_sum, &next_c);
      if (!std::isinf(next_sum)) {
        sum = next_sum;
        c = next_c;
        continue;
      }
      // The sum would overflow: from here on the mean itself is kept.
      incremental = true;
      mean = sum / (count - 1);
      c /= count - 1;
    }
    const double q = (count - 1) / count;
    mean *= q;
    c *= q;
    KahanAdd(v[i] / count, &mean, &c);
  }
  return incremental ? mean + c : sum / count + c / count;
}

// sum and avg of windows of histograms. A window with both kinds has no result.
void CombineHistograms(RangeCall& call, bool mean) {
  const SampleSeries& s = call.series;
  ForEachMixedWindow(s, call.windows, [&](size_t step, const MixedWindow& w) {
    if (w.histograms() == 0) {
      call.out.v[step] =
          mean ? CompensatedMean(s.v, w.f, w.f_end) : CompensatedSum(s.v, w.f, w.f_end);
      return;
    }
    if (w.floats() > 0) return WarnMixedKinds(call);
    HistogramState state(mean);
    for (size_t i = w.h; i < w.h_end; ++i) {
      if (!state.Add(*s.h[i]).reconciled) continue;
      call.context.annotations.Info("mismatched custom buckets were reconciled during aggregation",
                                    call.range_pos);
    }
    if (state.collided()) {
      call.context.annotations.Warn("conflicting counter resets during histogram aggregation",
                                    call.range_pos);
    }
    if (state.mixed()) return WarnMixedSchemas(call);
    call.out.SetHistogram(step, state.Result().ToShared());
  });
}

// Calls value(first, last) for the windows and sets what it gives; it must depend on the values of
// the window alone, in their order. Of constant values only their number counts: what was found for
// one window answers all of its size.
template <typename F>
void SetFromValues(RangeCall& call, F value) {
  const bool constant = call.series.shape == ValueShape::kConstant;
  size_t known_size = 0;
  double known = 0;
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    if (!constant || known_size != last - first) {
      known = value(first, last);
      known_size = last - first;
    }
    call.out.v[step] = known;
  });
}

void Sum(RangeCall& call) {
  if (!call.series.h.empty()) return CombineHistograms(call, false);
  const auto v = call.series.v;
  if (call.series.shape == ValueShape::kConstant)
    return SetFromValues(call,
                         [&](size_t first, size_t last) { return CompensatedSum(v, first, last); });
  std::vector<double> prefix;
  const bool whole = WholeSums(v, &prefix);
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    call.out.v[step] = whole ? prefix[last] - prefix[first] : CompensatedSum(v, first, last);
  });
}

void Avg(RangeCall& call) {
  if (!call.series.h.empty()) return CombineHistograms(call, true);
  const auto v = call.series.v;
  if (call.series.shape == ValueShape::kConstant)
    return SetFromValues(
        call, [&](size_t first, size_t last) { return CompensatedMean(v, first, last); });
  std::vector<double> prefix;
  const bool whole = WholeSums(v, &prefix);
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    call.out.v[step] = whole ? (prefix[last] - prefix[first]) / static_cast<double>(last - first)
                             : CompensatedMean(v, first, last);
  });
}

void Count(RangeCall& call) {
  if (!call.series.h.empty()) {
    return ForEachMixedWindow(call.series, call.windows, [&](size_t step, const MixedWindow& w) {
      call.out.v[step] = static_cast<double>(w.floats() + w.histograms());
    });
  }
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    call.out.v[step] = static_cast<double>(last - first);
  });
}

void Present(RangeCall& call) {
  if (!call.series.h.empty()) {
    return ForEachMixedWindow(call.series, call.windows,
                              [&](size_t step, const MixedWindow&) { call.out.v[step] = 1; });
  }
  ForEachWindow(call, [&](size_t step, size_t, size_t) { call.out.v[step] = 1; });
}

// For every window the index of the best value, the latest of equal ones; NaN only if there is
// nothing else. `Better(a, b)`: a comes before b. A monotonic queue: each sample enters and leaves
// once.
template <typename Better, typename Emit>
void SlidingBest(RangeCall& call, Better better, Emit emit) {
  const auto v = call.series.v;
  std::vector<size_t> queue(v.size());
  size_t head = 0, tail = 0, entered = 0;
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    if (entered < first) entered = first;
    for (; entered < last; ++entered) {
      if (std::isnan(v[entered])) continue;
      while (tail > head && !better(v[queue[tail - 1]], v[entered])) --tail;
      queue[tail++] = entered;
    }
    while (head < tail && queue[head] < first) ++head;
    emit(step, head < tail ? queue[head] : last - 1);
  });
}

template <bool kMax, bool kTime>
void Extreme(RangeCall& call) {
  CheckForHistograms(call);
  auto emit = [&](size_t step, size_t i) {
    call.out.v[step] = kTime ? static_cast<double>(call.series.t[i]) / 1000.0 : call.series.v[i];
  };
  const ValueShape shape = call.series.shape;
  if (shape == ValueShape::kConstant || (shape == ValueShape::kAscending && kMax))
    return ForEachWindow(call, [&](size_t step, size_t, size_t last) { emit(step, last - 1); });
  if (shape == ValueShape::kAscending && !kTime)
    return ForEachWindow(call, [&](size_t step, size_t first, size_t) { emit(step, first); });
  if (kMax) {
    SlidingBest(
        call, [](double a, double b) { return a > b; }, emit);
  } else {
    SlidingBest(
        call, [](double a, double b) { return a < b; }, emit);
  }
}

// The first or last sample of each window, of whatever kind, or its time.
template <bool kLast, bool kTime>
void Edge(RangeCall& call) {
  const SampleSeries& s = call.series;
  auto seconds = [](int64_t ms) { return static_cast<double>(ms) / 1000.0; };
  ForEachMixedWindow(s, call.windows, [&](size_t step, const MixedWindow& w) {
    const size_t f = kLast ? w.f_end - 1 : w.f, h = kLast ? w.h_end - 1 : w.h;
    const bool is_float =
        w.histograms() == 0 || (w.floats() > 0 && (kLast ? s.t[f] > s.ht[h] : s.t[f] < s.ht[h]));
    if (kTime) {
      call.out.v[step] = seconds(is_float ? s.t[f] : s.ht[h]);
    } else if (is_float) {
      call.out.v[step] = s.v[f];
    } else {
      call.out.SetHistogram(step, s.h[h]);
    }
  });
}

template <bool kRoot>
void Variance(RangeCall& call) {
  CheckForHistograms(call);
  const auto v = call.series.v;
  SetFromValues(call, [&](size_t first, size_t last) {
    double count = 0, mean = 0, mean_c = 0, aux = 0, aux_c = 0;
    for (size_t i = first; i < last; ++i) {
      ++count;
      const double delta = v[i] - (mean + mean_c);
      KahanAdd(delta / count, &mean, &mean_c);
      KahanAdd(delta * (v[i] - (mean + mean_c)), &aux, &aux_c);
    }
    const double variance = (aux + aux_c) / count;
    return kRoot ? std::sqrt(variance) : variance;
  });
}

// The values of a sliding window, kept sorted.
class SortedWindow {
 public:
  explicit SortedWindow(std::span<const double> v) : v_(v) {}

  std::span<const double> Move(size_t first, size_t last) {
    if (first >= last_) {  // nothing in common with the window before
      sorted_.assign(v_.begin() + first, v_.begin() + last);
      std::sort(sorted_.begin(), sorted_.end(), NaNFirst);
    } else {
      for (size_t i = first_; i < first; ++i) sorted_.erase(Find(v_[i]));
      for (size_t i = last_; i < last; ++i) sorted_.insert(Find(v_[i]), v_[i]);
    }
    first_ = first;
    last_ = last;
    return sorted_;
  }

 private:
  std::vector<double>::iterator Find(double x) {
    return std::lower_bound(sorted_.begin(), sorted_.end(), x, NaNFirst);
  }

  const std::span<const double> v_;
  std::vector<double> sorted_;
  size_t first_ = 0, last_ = 0;
};

void QuantileOverTime(RangeCall& call) {
  CheckForHistograms(call);
  SortedWindow window(call.series.v);
  ForEachWindow(call, [&](size_t step, size_t first, size_t last) {
    const double q = call.params[0][step];
    WarnQuantile(call.context, q, call.param_pos[0]);
    call.out.v[step] = SortedQuantile(q, window.Move(first, last));
  });
}

void Mad(RangeCall& call) {
  CheckForHistograms(call);
  const auto v = call.series.v;
  std::vector<double> values;
  SetFromValues(call, [&](size_t first, size_t last) {
    values.assign(v.begin() + first, v.begin() + last);
    if (std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); }))
      return NormalNaN();
    const double median = Quantile(0.5, &values);
    for (double& x : values) x = std::fabs(x - median);
    return Quantile(0.5, &values);
  });
}

constexpr FunctionSpec kTable[] = {
    {.name = "avg_over_time", .args = {kMatrix}, .range = &Avg, .level = &LevelAvg},
    {.name = "sum_over_time", .args = {kMatrix}, .range = &Sum, .level = &LevelSum},
    {.name = "min_over_time",
     .args = {kMatrix},
     .range = &Extreme<false, false>,
     .level = &LevelMin},
    {.name = "max_over_time",
     .args = {kMatrix},
     .range = &Extreme<true, false>,
     .level = &LevelMax},
    {.name = "count_over_time", .args = {kMatrix}, .range = &Count, .level = &LevelCount},
    {.name = "stddev_over_time", .args = {kMatrix}, .range = &Variance<true>},
    {.name = "stdvar_over_time", .args = {kMatrix}, .range = &Variance<false>},
    {.name = "present_over_time", .args = {kMatrix}, .range = &Present, .level = &LevelPresent},
    {.name = "last_over_time",
     .args = {kMatrix},
     .range = &Edge<true, false>,
     .level = &LevelLast,
     .keeps_name = true},
    {.name = "first_over_time",
     .args = {kMatrix},
     .range = &Edge<false, false>,
     .level = &LevelFirst,
     .keeps_name = true},
    {.name = "quantile_over_time", .args = {kScalar, kMatrix}, .range = &QuantileOverTime},
    {.name = "mad_over_time", .args = {kMatrix}, .experimental = true, .range = &Mad},
    {.name = "ts_of_min_over_time",
     .args = {kMatrix},
     .experimental = true,
     .range = &Extreme<false, true>},
    {.name = "ts_of_max_over_time",
     .args = {kMatrix},
     .experimental = true,
     .range = &Extreme<true, true>},
    {.name = "ts_of_first_over_time",
     .args = {kMatrix},
     .experimental = true,
     .range = &Edge<false, true>,
     .level = &LevelFirstTime},
    {.name = "ts_of_last_over_time",
     .args = {kMatrix},
     .experimental = true,
     .range = &Edge<true, true>,
     .level = &LevelLastTime},
};

}  // namespace

std::span<const FunctionSpec> OverTimeFunctions() { return kTable; }

}  // namespace tocsin::query
