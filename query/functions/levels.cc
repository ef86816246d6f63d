#include "query/functions/levels.h"

#include <fmt/format.h>

#include <cmath>

#include "query/functions/range.h"
#include "query/functions/rate_histogram.h"
#include "query/histogram/arithmetic.h"

namespace tocsin::query {
namespace {

using storage::LevelCell;

// What lies in one window, its edges moved to the grid: cells [first, last) and histograms [h,
// h_end) that stand for `histograms` samples.
struct CellWindow {
  int64_t start_ms, end_ms;
  std::span<const LevelCell> cells;
  size_t h, h_end;
  uint64_t histograms;
};

// Calls f(step, window) for each window that holds any sample.
template <typename F>
void ForEachCellWindow(LevelCall& level, F&& f) {
  RangeCall& call = level.call;
  const std::span<const LevelCell> cells = level.cells();
  const std::vector<int64_t>& ht = call.series.ht;
  WindowWork work(call);
  size_t first = 0, last = 0, h = 0, h_end = 0;
  uint64_t weight = 0;
  for (size_t i = 0; i < call.windows.count; ++i) {
    const int64_t end = level.edges.Move(call.windows.end(i));
    const int64_t start = level.edges.Move(call.windows.end(i) - call.windows.range_ms);
    while (last < cells.size() && cells[last].end.ms <= end) ++last;
    while (first < last && cells[first].end.ms <= start) ++first;
    for (; h_end < ht.size() && ht[h_end] <= end; ++h_end) weight += call.series.weights[h_end];
    for (; h < h_end && ht[h] <= start; ++h) weight -= call.series.weights[h];
    if (first == last && weight == 0) continue;
    f(i, CellWindow{start, end, cells.subspan(first, last - first), h, h_end, weight});
    if (!work.Add(last - first + 1)) return;
  }
}

void NeedsRaw(RangeCall& call, std::string_view what) {
  call.context.annotations.Info(
      fmt::format("{} of metric name \"{}\" is not kept in the level: it needs raw samples", what,
                  call.metric_name),
      call.range_pos);
}

// Whether the window has floats only; otherwise says why there is no result.
bool OnlyFloats(RangeCall& call, const CellWindow& window) {
  if (window.histograms == 0) return !window.cells.empty();
  if (window.cells.empty())
    NeedsRaw(call, "the sum of histograms");
  else
    WarnMixedKinds(call);
  return false;
}

template <bool kMean>
void Combine(LevelCall& level) {
  ForEachCellWindow(level, [&](size_t step, const CellWindow& window) {
    if (!OnlyFloats(level.call, window)) return;
    double sum = 0, c = 0, count = 0;
    for (const LevelCell& cell : window.cells) {
      if (!cell.has_sum) return NeedsRaw(level.call, "the sum");
      KahanAdd(cell.sum, &sum, &c);
      count += cell.count;
    }
    if (!std::isinf(sum)) sum += c;
    level.call.out.v[step] = kMean ? sum / count : sum;
  });
}

template <bool kMax>
void Extreme(LevelCall& level) {
  ForEachCellWindow(level, [&](size_t step, const CellWindow& window) {
    if (window.cells.empty()) return;
    if (window.histograms > 0) InfoIgnoredHistograms(level.call);
    double best = kMax ? window.cells[0].max : window.cells[0].min;
    for (const LevelCell& cell : window.cells) {
      const double x = kMax ? cell.max : cell.min;
      if (std::isnan(best) || (kMax ? x > best : x < best)) best = x;
    }
    level.call.out.v[step] = best;
  });
}

template <bool kLast, bool kTime>
void Edge(LevelCall& level) {
  RangeCall& call = level.call;
  ForEachCellWindow(level, [&](size_t step, const CellWindow& window) {
    bool is_float = window.histograms == 0;
    int64_t time = 0;
    size_t h = 0;
    if (!is_float) {
      h = kLast ? window.h_end - 1 : window.h;
      time = call.series.ht[h];
    }
    double value = 0;
    if (!window.cells.empty()) {
      const LevelCell& cell = kLast ? window.cells.back() : window.cells.front();
      const int64_t t = kLast ? cell.last_time.ms : cell.first_time.ms;
      if (is_float || (kLast ? t > time : t < time)) {
        is_float = true;
        time = t;
        value = kLast ? cell.last : cell.first;
      }
    }
    if (kTime)
      call.out.v[step] = static_cast<double>(time) / 1000.0;
    else if (is_float)
      call.out.v[step] = value;
    else
      call.out.SetHistogram(step, call.series.h[h]);
  });
}

template <RateKind kKind>
void Extrapolated(LevelCall& level) {
  RangeCall& call = level.call;
  constexpr bool kCounter = kKind != RateKind::kDelta;
  ForEachCellWindow(level, [&](size_t step, const CellWindow& window) {
    if (window.histograms > 0) {
      if (!window.cells.empty()) return WarnMixedKinds(call);
      const HistogramWindow histograms{window.start_ms, window.end_ms, window.h, window.h_end,
                                       static_cast<size_t>(window.histograms)};
      return ExtrapolatedHistogram(call, kKind, step, histograms);
    }
    uint64_t count = 0;
    for (const LevelCell& cell : window.cells) count += cell.count;
    if (count < 2) return;
    const LevelCell &oldest = window.cells.front(), &newest = window.cells.back();
    double result = newest.last - oldest.first;
    const LevelCell* before = nullptr;
    for (const LevelCell& cell : window.cells) {
      if (!kCounter) break;
      if (!cell.has_resets) return NeedsRaw(call, "the increase");
      if (before != nullptr && cell.first < before->last) result += before->last;
      result += cell.dropped;
      before = &cell;
    }
    double factor = ExtrapolationFactor(window.start_ms, window.end_ms, oldest.first_time.ms,
                                        newest.last_time.ms, count, kCounter, oldest.first, result);
    if (kKind == RateKind::kRate)
      factor /= static_cast<double>(window.end_ms - window.start_ms) / 1000;
    call.out.v[step] = result * factor;
  });
  if (kCounter) CheckIsCounter(call);
}

}  // namespace

void LevelSum(LevelCall& level) { Combine<false>(level); }
void LevelAvg(LevelCall& level) { Combine<true>(level); }

void LevelCount(LevelCall& level) {
  ForEachCellWindow(level, [&](size_t step, const CellWindow& window) {
    uint64_t count = window.histograms;
    for (const LevelCell& cell : window.cells) count += cell.count;
    level.call.out.v[step] = static_cast<double>(count);
  });
}

void LevelPresent(LevelCall& level) {
  ForEachCellWindow(level, [&](size_t step, const CellWindow&) { level.call.out.v[step] = 1; });
}

void LevelMin(LevelCall& level) { Extreme<false>(level); }
void LevelMax(LevelCall& level) { Extreme<true>(level); }
void LevelFirst(LevelCall& level) { Edge<false, false>(level); }
void LevelLast(LevelCall& level) { Edge<true, false>(level); }
void LevelFirstTime(LevelCall& level) { Edge<false, true>(level); }
void LevelLastTime(LevelCall& level) { Edge<true, true>(level); }

void LevelRate(LevelCall& level) { Extrapolated<RateKind::kRate>(level); }
void LevelIncrease(LevelCall& level) { Extrapolated<RateKind::kIncrease>(level); }
void LevelDelta(LevelCall& level) { Extrapolated<RateKind::kDelta>(level); }

void LevelResets(LevelCall& level) {
  RangeCall& call = level.call;
  ForEachCellWindow(level, [&](size_t step, const CellWindow& window) {
    double resets = 0;
    const LevelCell* before = nullptr;
    for (const LevelCell& cell : window.cells) {
      if (!cell.has_resets) return NeedsRaw(call, "the number of resets");
      resets += cell.resets;
      if (before != nullptr && cell.first < before->last) ++resets;
      before = &cell;
    }
    const auto& h = call.series.h;
    for (size_t i = window.h + 1; i < window.h_end; ++i)
      if (DetectReset(*h[i], *h[i - 1])) ++resets;
    if (window.histograms > 0 && !window.cells.empty())
      return NeedsRaw(call, "the number of resets of floats among histograms");
    call.out.v[step] = resets;
  });
}

}  // namespace tocsin::query
