// rate and its kin over native histograms.
#pragma once

#include "query/functions/range.h"
#include "query/histogram/flat.h"

namespace tocsin::query {

enum class RateKind { kRate, kIncrease, kDelta };

// What the change within the samples of a window is multiplied by to cover all of it. `zero_clamp`:
// counters do not reach below zero, so the window cannot be extended past that.
double ExtrapolationFactor(int64_t window_start_ms, int64_t window_end_ms, int64_t first_ms,
                           int64_t last_ms, size_t samples, bool zero_clamp, double first_value,
                           double change);

// The change over `samples` (at least two), resets taken into account; not yet extrapolated.
// False: none, with a warning. `started`, of as many samples or empty: those that are known to
// begin anew.
bool HistogramChange(RangeCall& call, bool counter, std::span<const HistogramPtr> samples,
                     std::span<const uint8_t> started, FlatHistogram* change);

// Result of rate, increase, delta at one step. REQUIRES: the window has no floats.
void ExtrapolatedHistogram(RangeCall& call, RateKind kind, size_t step, const MixedWindow& window);
// The same over histograms [h, h_end) of the series that stand for `samples`.
struct HistogramWindow {
  int64_t start_ms, end_ms;
  size_t h, h_end;
  size_t samples;
};
void ExtrapolatedHistogram(RangeCall& call, RateKind kind, size_t step,
                           const HistogramWindow& window, std::span<const uint8_t> started = {});

// The info on metrics that do not look like counters.
void CheckIsCounter(RangeCall& call);

// Result of irate and idelta from the two newest samples, both histograms.
void InstantHistogram(RangeCall& call, bool rate, size_t step, size_t last);

}  // namespace tocsin::query
