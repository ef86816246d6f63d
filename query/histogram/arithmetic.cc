#include "query/histogram/arithmetic.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tocsin::query {
namespace {

struct ZeroBucket {
  double count;
  double compensation;
  double threshold;
};

// What the zero bucket of h would hold if it reached up to `threshold`, moved outwards where that
// lies inside a populated bucket. REQUIRES: threshold >= h.zero_threshold.
ZeroBucket WidenedZero(const FlatHistogram& h, double threshold) {
  while (true) {
    ZeroBucket zero{h.zero_count.n, h.zero_count.c, threshold};
    if (threshold == h.zero_threshold) return zero;
    auto take = [&zero](const FlatBucket& b) {
      zero.count += b.count.n;
      zero.compensation += b.count.c;
    };
    for (const FlatBucket& b : h.positive) {
      if (h.Lower(b.index) >= zero.threshold) break;
      take(b);
      const double upper = h.Upper(b.index);
      if (upper > zero.threshold) {
        if (b.count.n != 0) zero.threshold = upper;
        break;
      }
    }
    bool again = false;
    for (const FlatBucket& b : h.negative) {
      if (h.Lower(b.index) >= zero.threshold) break;
      take(b);
      const double outer = h.Upper(b.index);
      if (outer > zero.threshold) {
        again = b.count.n != 0;  // what was taken from the positive side no longer fits
        if (again) threshold = outer;
        break;
      }
    }
    if (!again) return zero;
  }
}

void WidenZero(FlatHistogram* h, double threshold) {
  const ZeroBucket zero = WidenedZero(*h, threshold);
  h->zero_count = {zero.count, zero.compensation};
  h->zero_threshold = zero.threshold;
  auto inside = [&](const FlatBucket& b) { return h->Lower(b.index) < h->zero_threshold; };
  std::erase_if(h->positive, inside);
  std::erase_if(h->negative, inside);
}

// Makes the zero bucket of *a as wide as needed for both; the count that b's has then.
double ReconcileZero(FlatHistogram* a, const FlatHistogram& b) {
  double count = b.zero_count.n, threshold = b.zero_threshold;
  while (threshold != a->zero_threshold) {
    if (a->zero_threshold > threshold) {
      const ZeroBucket zero = WidenedZero(b, a->zero_threshold);
      count = zero.count;
      threshold = zero.threshold;
    }
    if (threshold > a->zero_threshold) WidenZero(a, threshold);
  }
  return count;
}

void Accumulate(Compensated* to, double x, Rounding rounding) {
  if (rounding == Rounding::kCompensated) {
    to->Add(x);
  } else {
    to->n += x;
  }
}

// Adds sign * b to *a, index by index.
void AddBuckets(FlatBuckets* a, const FlatBuckets& b, double sign, Rounding rounding) {
  FlatBuckets merged;
  merged.reserve(a->size() + b.size());
  size_t i = 0, j = 0;
  while (i < a->size() || j < b.size()) {
    if (j == b.size() || (i < a->size() && (*a)[i].index < b[j].index)) {
      merged.push_back((*a)[i++]);
    } else if (i == a->size() || b[j].index < (*a)[i].index) {
      merged.push_back({b[j].index, {sign * b[j].count.n, 0}});
      ++j;
    } else {
      merged.push_back((*a)[i++]);
      Accumulate(&merged.back().count, sign * b[j++].count.n, rounding);
    }
  }
  *a = std::move(merged);
}

void SkipInsideZero(const FlatHistogram& h, double threshold, FlatBuckets* buckets) {
  const auto first = std::find_if(buckets->begin(), buckets->end(), [&](const FlatBucket& b) {
    return h.Upper(b.index) > threshold;
  });
  buckets->erase(buckets->begin(), first);
}

void AddExponential(FlatHistogram* a, const FlatHistogram& b, double sign, Rounding rounding) {
  const double zero = ReconcileZero(a, b);
  Accumulate(&a->zero_count, sign * zero, rounding);
  const int32_t schema = std::min(a->schema, b.schema);
  a->ReduceSchema(schema);
  FlatHistogram other = b;
  other.ReduceSchema(schema);
  SkipInsideZero(other, a->zero_threshold, &other.positive);
  SkipInsideZero(other, a->zero_threshold, &other.negative);
  AddBuckets(&a->positive, other.positive, sign, rounding);
  AddBuckets(&a->negative, other.negative, sign, rounding);
}

std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return common;
}

// The counts of h's buckets on other bounds, which must be among its own.
void MapTo(const std::vector<double>& bounds, const FlatHistogram& h, double sign,
           std::vector<Compensated>* targets) {
  for (const FlatBucket& b : h.positive) {
    const auto it = std::lower_bound(bounds.begin(), bounds.end(), h.Upper(b.index));
    Compensated& target = (*targets)[static_cast<size_t>(it - bounds.begin())];
    target.Add(sign * b.count.n);
    target.c += sign * b.count.c;
  }
}

void AddCustom(FlatHistogram* a, const FlatHistogram& b, double sign, Rounding rounding,
               MergeNotes* notes) {
  if (a->custom_values == b.custom_values) {
    return AddBuckets(&a->positive, b.positive, sign, rounding);
  }
  notes->reconciled = true;
  std::vector<double> bounds = CommonBounds(a->custom_values, b.custom_values);
  std::vector<Compensated> targets(bounds.size() + 1);
  MapTo(bounds, *a, 1, &targets);
  MapTo(bounds, b, sign, &targets);
  a->positive.clear();
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].n == 0 && targets[i].c == 0) continue;
    if (rounding == Rounding::kPlain) targets[i] = {targets[i].value(), 0};
    a->positive.push_back({static_cast<int32_t>(i), targets[i]});
  }
  a->custom_values = std::move(bounds);
}

MergeNotes Merge(FlatHistogram* a, const FlatHistogram& b, double sign, Rounding rounding) {
  MergeNotes notes;
  if (a->custom() != b.custom()) {
    notes.mixed = true;
    return notes;
  }
  a->hint = MergeHints(a->hint, b.hint, &notes.collision);
  if (a->custom()) {
    AddCustom(a, b, sign, rounding, &notes);
  } else {
    AddExponential(a, b, sign, rounding);
  }
  Accumulate(&a->count, sign * b.count.n, rounding);
  Accumulate(&a->sum, sign * b.sum.n, rounding);
  return notes;
}

// A populated bucket of `previous` is missing in `current`, or larger there.
bool BucketDecreased(const FlatBuckets& current, const FlatBuckets& previous) {
  size_t i = 0;
  for (const FlatBucket& p : previous) {
    while (i < current.size() && current[i].index < p.index) ++i;
    const bool found = i < current.size() && current[i].index == p.index;
    if (found ? current[i].count.n < p.count.n : p.count.n != 0) return true;
  }
  return false;
}

bool CustomReset(const FlatHistogram& current, const FlatHistogram& previous) {
  const auto bounds = CommonBounds(current.custom_values, previous.custom_values);
  std::vector<Compensated> now(bounds.size() + 1), before(bounds.size() + 1);
  MapTo(bounds, current, 1, &now);
  MapTo(bounds, previous, 1, &before);
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i].value() < before[i].value()) return true;
  }
  return false;
}

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameBuckets(const FlatBuckets& a, const FlatBuckets& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const FlatBucket& x, const FlatBucket& y) {
                      return x.index == y.index && SameBits(x.count.n, y.count.n);
                    });
}

}  // namespace

CounterResetHint MergeHints(CounterResetHint a, CounterResetHint b, bool* collision) {
  if (a == b) return a;
  if (a == CounterResetHint::kGauge || b == CounterResetHint::kGauge) {
    return CounterResetHint::kGauge;
  }
  if (a != CounterResetHint::kUnknown && b != CounterResetHint::kUnknown) *collision = true;
  return CounterResetHint::kUnknown;
}

MergeNotes AddHistogram(FlatHistogram* a, const FlatHistogram& b, Rounding rounding) {
  return Merge(a, b, 1, rounding);
}

MergeNotes SubtractHistogram(FlatHistogram* a, const FlatHistogram& b) {
  return Merge(a, b, -1, Rounding::kPlain);
}

bool DetectReset(const Histogram& current, const Histogram& previous) {
  if (current.reset_hint == CounterResetHint::kReset) return true;
  if (current.reset_hint == CounterResetHint::kNotReset) return false;
  if (current.count < previous.count) return true;
  const FlatHistogram now(current);
  FlatHistogram before(previous);
  if (now.custom() && !before.custom()) return true;
  if (now.custom() && now.custom_values != before.custom_values) return CustomReset(now, before);
  if (now.schema > before.schema || now.zero_threshold < before.zero_threshold) return true;
  const ZeroBucket zero = WidenedZero(before, now.zero_threshold);
  if (zero.threshold != now.zero_threshold || now.zero_count.n < zero.count) return true;
  if (!now.custom()) {
    before.ReduceSchema(now.schema);
    SkipInsideZero(before, now.zero_threshold, &before.positive);
    SkipInsideZero(before, now.zero_threshold, &before.negative);
  }
  return BucketDecreased(now.positive, before.positive) ||
         BucketDecreased(now.negative, before.negative);
}

bool SameHistogram(const Histogram& a, const Histogram& b) {
  if (a.schema != b.schema || a.zero_threshold != b.zero_threshold || !SameBits(a.count, b.count) ||
      !SameBits(a.sum, b.sum) || !SameBits(a.zero_count, b.zero_count)) {
    return false;
  }
  if (a.schema == kCustomBucketsSchema && a.custom_values != b.custom_values) return false;
  const FlatHistogram x(a), y(b);
  return SameBuckets(x.positive, y.positive) && SameBuckets(x.negative, y.negative);
}

bool AnyInfinite(const FlatHistogram& h) {
  auto infinite = [](const FlatBucket& b) { return std::isinf(b.count.n); };
  return std::isinf(h.count.n) || std::isinf(h.sum.n) || std::isinf(h.zero_count.n) ||
         std::any_of(h.positive.begin(), h.positive.end(), infinite) ||
         std::any_of(h.negative.begin(), h.negative.end(), infinite);
}

MergeNotes HistogramMean::Add(const Histogram& histogram) {
  FlatHistogram h(histogram);
  if (++n_ == 1) {
    sum_ = std::move(h);
    return {};
  }
  if (!incremental_) {
    FlatHistogram next = sum_;
    const MergeNotes notes = AddHistogram(&next, h, Rounding::kCompensated);
    if (notes.mixed || !AnyInfinite(next)) {
      sum_ = std::move(next);
      return notes;
    }
    // The sum would overflow: from here on the mean itself is kept.
    incremental_ = true;
    const CounterResetHint hint = sum_.hint;
    sum_.Divide(n_ - 1);
    sum_.hint = hint;
  }
  const double n = n_;
  sum_.Multiply((n - 1) / n);
  h.Divide(n);
  return AddHistogram(&sum_, h, Rounding::kCompensated);
}

FlatHistogram HistogramMean::Result() const {
  FlatHistogram mean = sum_;
  if (!incremental_) mean.Divide(n_);
  mean.Settle();
  return mean;
}

}  // namespace tocsin::query
