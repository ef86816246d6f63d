// Sums and differences of native histograms whose layouts may differ, and counter resets.
#pragma once

#include "query/histogram/flat.h"

namespace tocsin::query {

// What came up while two histograms were added.
struct MergeNotes {
  bool mixed = false;       // exponential with custom buckets: nothing was done
  bool collision = false;   // a reset met a not_reset
  bool reconciled = false;  // custom bounds differed; common ones were used
};

enum class Rounding { kPlain, kCompensated };

// *a += b, *a -= b. The hints merge; for a difference used as such the caller sets gauge.
MergeNotes AddHistogram(FlatHistogram* a, const FlatHistogram& b, Rounding rounding);
MergeNotes SubtractHistogram(FlatHistogram* a, const FlatHistogram& b);

// The hint of a sum.
CounterResetHint MergeHints(CounterResetHint a, CounterResetHint b, bool* collision);

// Whether `current` shows that its counter started anew since `previous`.
bool DetectReset(const Histogram& current, const Histogram& previous);

// Same layout and same numbers bit by bit; the hint does not count.
bool SameHistogram(const Histogram& a, const Histogram& b);

// Whether any number of h is infinite.
bool AnyInfinite(const FlatHistogram& h);

// Running mean of histograms: a compensated sum, or, once that would overflow, the mean itself.
class HistogramMean {
 public:
  MergeNotes Add(const Histogram& h);
  FlatHistogram Result() const;
  uint32_t count() const { return n_; }

 private:
  FlatHistogram sum_;  // of the histograms; once incremental_, their mean
  uint32_t n_ = 0;
  bool incremental_ = false;
};

}  // namespace tocsin::query
