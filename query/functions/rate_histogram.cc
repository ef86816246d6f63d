#include "query/functions/rate_histogram.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/functions/start_time.h"
#include "query/histogram/arithmetic.h"

namespace tocsin::query {
namespace {

bool IsGauge(const Histogram& h) { return h.reset_hint == CounterResetHint::kGauge; }
bool IsCustom(const Histogram& h) { return h.schema == kCustomBucketsSchema; }

void WarnKind(RangeCall& call, std::string_view what) {
  call.context.annotations.Warn(
      fmt::format("this native histogram metric is not a {}: \"{}\"", what, call.metric_name),
      call.range_pos);
}

void InfoReconciled(RangeCall& call, const MergeNotes& notes, std::string_view what) {
  if (!notes.reconciled) return;
  call.context.annotations.Info(
      fmt::format("mismatched custom buckets were reconciled during {}", what), call.range_pos);
}

// Stands for "nothing counted yet" in the layout of `h`.
Histogram EmptyLike(const Histogram& h) {
  Histogram empty;
  empty.schema = h.schema;
  empty.custom_values = h.custom_values;
  return empty;
}

}  // namespace

double ExtrapolationFactor(int64_t window_start_ms, int64_t window_end_ms, int64_t first_ms,
                           int64_t last_ms, size_t samples, bool zero_clamp, double first_value,
                           double change) {
  double to_start = static_cast<double>(first_ms - window_start_ms) / 1000;
  double to_end = static_cast<double>(window_end_ms - last_ms) / 1000;
  const double sampled = static_cast<double>(last_ms - first_ms) / 1000;
  const double average = sampled / static_cast<double>(samples - 1);
  const double threshold = average * 1.1;
  if (to_start >= threshold) to_start = average / 2;
  if (zero_clamp && change > 0 && first_value >= 0) {
    const double to_zero = sampled * (first_value / change);
    if (to_zero < to_start) to_start = to_zero;
  }
  if (to_end >= threshold) to_end = average / 2;
  return sampled == 0 ? 1 : (sampled + to_start + to_end) / sampled;
}

bool HistogramChange(RangeCall& call, bool counter, std::span<const HistogramPtr> h,
                     std::span<const uint8_t> started, FlatHistogram* change) {
  const Histogram& newest = *h.back();
  Histogram base = *h.front();
  bool custom = IsCustom(base);
  if (counter && (IsGauge(base) || IsGauge(newest))) WarnKind(call, "counter");
  // A counter that starts anew right after the first sample: that one no longer matters.
  const auto anew = [&](size_t i) { return !started.empty() && started[i] != 0; };
  const bool first_dropped = counter && (anew(1) || DetectReset(*h[1], base));
  if (first_dropped) {
    base = EmptyLike(*h[1]);
    custom = IsCustom(base);
  }
  if (IsCustom(newest) != custom) {
    WarnMixedSchemas(call);
    return false;
  }
  int32_t schema = std::min(newest.schema, base.schema);
  for (size_t i = 1; counter && i + 1 < h.size(); ++i) {
    if (IsGauge(*h[i])) WarnKind(call, "counter");
    schema = std::min(schema, h[i]->schema);
    if (IsCustom(*h[i]) == custom) continue;
    WarnMixedSchemas(call);
    return false;
  }
  *change = FlatHistogram(newest);
  if (!custom) change->ReduceSchema(schema);
  InfoReconciled(call, SubtractHistogram(change, FlatHistogram(base)), "subtraction");
  if (counter) {
    const Histogram* previous = &base;
    for (size_t i = 1; i < h.size(); ++i) {
      // The first one was emptied for this.
      if (i == 1 ? !first_dropped && DetectReset(*h[i], *previous)
                 : anew(i) || DetectReset(*h[i], *previous)) {
        InfoReconciled(call, AddHistogram(change, FlatHistogram(*previous), Rounding::kPlain),
                       "addition");
      }
      previous = h[i].get();
    }
  } else if (!IsGauge(*h.front()) || !IsGauge(newest)) {
    WarnKind(call, "gauge");
  }
  change->hint = CounterResetHint::kGauge;
  change->Compact();
  return true;
}

namespace {

// For the samples of a window: which begin anew by their start timestamps. Empty: none is known.
std::vector<uint8_t> Started(const SampleSeries& series, const MixedWindow& w) {
  std::vector<uint8_t> out;
  if (series.hst.empty()) return out;
  const auto &t = series.ht, &st = series.hst;
  out.push_back(0);
  for (size_t i = w.h + 1; i < w.h_end; ++i)
    out.push_back(StartsAnew(st[i - 1], t[i - 1], st[i], t[i]) ? 1 : 0);
  return out;
}

// A counter that is known to have been empty inside the window: all of its first sample counts.
void StartedHistogram(RangeCall& call, RateKind kind, size_t step, const MixedWindow& w) {
  const auto h = std::span(call.series.h).subspan(w.h, w.histograms());
  FlatHistogram change(*h.front());
  if (h.size() > 1) {
    FlatHistogram rest;
    if (!HistogramChange(call, true, h, Started(call.series, w), &rest)) return;
    const MergeNotes notes = AddHistogram(&rest, change, Rounding::kPlain);
    if (notes.mixed) return WarnMixedSchemas(call);
    InfoReconciled(call, notes, "addition");
    change = std::move(rest);
  } else if (IsGauge(*h.front())) {
    WarnKind(call, "counter");
  }
  change.hint = CounterResetHint::kGauge;
  change.Compact();
  const auto& t = call.series.ht;
  double factor =
      StartedFactor(call.windows.end(step), call.series.hst[w.h], t[w.h], t[w.h_end - 1], h.size());
  if (kind == RateKind::kRate) factor /= static_cast<double>(call.windows.range_ms) / 1000;
  change.Multiply(factor);
  call.out.SetHistogram(step, change.ToShared());
}

}  // namespace

void ExtrapolatedHistogram(RangeCall& call, RateKind kind, size_t step, const MixedWindow& w) {
  const bool counter = kind != RateKind::kDelta;
  if (counter && !call.series.hst.empty() &&
      StartsInside(call.windows.end(step) - call.windows.range_ms, call.series.hst[w.h],
                   call.series.ht[w.h]))
    return StartedHistogram(call, kind, step, w);
  const int64_t end = call.windows.end(step);
  const HistogramWindow window{end - call.windows.range_ms, end, w.h, w.h_end, w.histograms()};
  ExtrapolatedHistogram(call, kind, step, window,
                        counter ? Started(call.series, w) : std::vector<uint8_t>());
}

void ExtrapolatedHistogram(RangeCall& call, RateKind kind, size_t step, const HistogramWindow& w,
                           std::span<const uint8_t> started) {
  if (w.h_end - w.h < 2) return;
  const bool counter = kind != RateKind::kDelta;
  FlatHistogram change;
  if (!HistogramChange(call, counter, std::span(call.series.h).subspan(w.h, w.h_end - w.h), started,
                       &change))
    return;
  const auto& t = call.series.ht;
  double factor = ExtrapolationFactor(w.start_ms, w.end_ms, t[w.h], t[w.h_end - 1], w.samples,
                                      counter, call.series.h[w.h]->count, change.count.n);
  if (kind == RateKind::kRate) factor /= static_cast<double>(w.end_ms - w.start_ms) / 1000;
  change.Multiply(factor);
  call.out.SetHistogram(step, change.ToShared());
}

void InstantHistogram(RangeCall& call, bool rate, size_t step, size_t last) {
  const Histogram &newest = *call.series.h[last], &before = *call.series.h[last - 1];
  if (rate && (IsGauge(newest) || IsGauge(before))) WarnKind(call, "counter");
  if (!rate && (!IsGauge(newest) || !IsGauge(before))) WarnKind(call, "gauge");
  FlatHistogram change(newest);
  const auto &t = call.series.ht, &st = call.series.hst;
  const bool anew = !st.empty() && StartsAnew(st[last - 1], t[last - 1], st[last], t[last]);
  if (!rate || !(anew || DetectReset(newest, before))) {
    const MergeNotes notes = SubtractHistogram(&change, FlatHistogram(before));
    if (notes.mixed) return WarnMixedSchemas(call);
    InfoReconciled(call, notes, "subtraction");
  }
  change.hint = CounterResetHint::kGauge;
  change.Compact();
  if (rate) {
    change.Divide(static_cast<double>(t[last] - t[last - 1]) / 1000);
  }
  call.out.SetHistogram(step, change.ToShared());
}

}  // namespace tocsin::query
