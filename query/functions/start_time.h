// What start timestamps say about counters, behind the feature use-start-timestamps. Times in ms; a
// start of 0 is unknown.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/functions/range.h"

namespace tocsin::query {

// Whether the counter began anew between two samples, each with its start and its time: by the
// second's start alone, whatever the values say.
constexpr bool StartsAnew(int64_t previous_start, int64_t previous, int64_t start, int64_t t) {
  if (start == 0 || start >= t || start < previous) return false;
  // Deltas start where the last one ended. A first sample that starts at its own time has an
  // unknown start; one that starts later is invalid.
  return start > previous || (previous_start != 0 && previous_start < previous);
}

// Whether the first sample of a window tells that the counter was 0 inside it.
constexpr bool StartsInside(int64_t window_start, int64_t start, int64_t t) {
  return start != 0 && window_start < start && start < t;
}

// As ExtrapolationFactor for a counter that is known to have been 0 at `start_ms`: nothing is
// missing on the left.
double StartedFactor(int64_t window_end_ms, int64_t start_ms, int64_t first_ms, int64_t last_ms,
                     size_t samples);

// Raises the warning on a start that lies before the sample before it without being that one's
// start, once a series.
class OverlapCheck {
 public:
  explicit OverlapCheck(RangeCall& call) : call_(call) {}
  // Samples [first, last).
  void Window(std::span<const int64_t> starts, std::span<const int64_t> times, size_t first,
              size_t last);

 private:
  RangeCall& call_;
  bool raised_ = false;
};

}  // namespace tocsin::query
