#include "query/histogram/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "query/histogram/buckets.h"
#include "query/histogram/flat.h"
#include "storage/model/sample.h"

namespace tocsin::query {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

bool HoldsZero(const ValueBucket& b) { return b.lower <= 0 && b.upper >= 0; }

// A bucket around zero ends there when the histogram has buckets on one side only.
void CutAtZero(const Histogram& h, ValueBucket* b) {
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) b->lower = 0;
  if (h.positive_buckets.empty() && !h.negative_buckets.empty()) b->upper = 0;
}

// The place at `fraction` of a bucket: linear or, between powers, exponential.
double Within(const ValueBucket& b, bool linear, double fraction) {
  if (linear || HoldsZero(b)) return b.lower + (b.upper - b.lower) * fraction;
  const double low = std::log2(std::fabs(b.lower)), high = std::log2(std::fabs(b.upper));
  if (b.lower > 0) return std::exp2(low + (high - low) * fraction);
  return -std::exp2(high + (low - high) * (1 - fraction));
}

}  // namespace

NativeValue QuantileOfHistogram(double q, const Histogram& h) {
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (h.count == 0 || std::isnan(q)) return {NormalNaN()};
  const bool has_nan = std::isnan(h.sum);
  const bool custom = h.schema == kCustomBucketsSchema;
  // From the nearer end, so that rounding is least; with NaN observations, which sort last, only
  // from below.
  const bool forward = has_nan || q < 0.5;
  double rank = (forward ? q : 1 - q) * h.count;
  std::vector<ValueBucket> buckets = BucketsInOrder(h);
  if (!forward) std::reverse(buckets.begin(), buckets.end());
  double n = 0;
  ValueBucket b;
  size_t next = 0;
  while (next < buckets.size()) {
    const ValueBucket& candidate = buckets[next++];
    if (candidate.count == 0) continue;
    b = candidate;
    n += b.count;
    if (n >= rank) break;
  }
  if (custom) {
    if (b.lower == -kInf) {
      if (b.upper <= 0) return {b.upper};
      b.lower = 0;
    } else if (b.upper == kInf) {
      return {b.lower};
    }
  } else if (b.lower < 0 && b.upper > 0) {
    CutAtZero(h, &b);
  }
  n = std::min(n, h.count);
  if (n < rank) {
    if (has_nan) return {NormalNaN(), NaNEffect::kResultIsNaN};
    return {b.upper};
  }
  rank = forward ? rank - (n - b.count) : n - rank;
  NativeValue result{0};
  if (has_nan) {
    double total = n;
    for (; next < buckets.size(); ++next) {
      // As in the reference implementation the last bucket of all is used from here on, with the
      // rank inside the one that was found.
      b = buckets[next];
      total += b.count;
    }
    if (total < h.count) result.effect = NaNEffect::kSkewedHigher;
  }
  result.value = Within(b, custom, rank / b.count);
  return result;
}

namespace {

// Observations at or below x; `total` when x lies beyond the last bucket.
double RankIn(double x, const Histogram& h, const std::vector<ValueBucket>& buckets, double total) {
  const bool custom = h.schema == kCustomBucketsSchema;
  double below = 0;
  for (ValueBucket b : buckets) {
    bool linear = custom;
    if (HoldsZero(b)) {
      CutAtZero(h, &b);
      linear = true;
    }
    if (b.lower >= x) return below;
    if (b.upper > x) {
      if (b.lower == -kInf) return b.count;
      if (b.upper == kInf) return below;
      if (linear) return below + b.count * (x - b.lower) / (b.upper - b.lower);
      const double low = std::log2(std::fabs(b.lower)), high = std::log2(std::fabs(b.upper));
      const double at = std::log2(std::fabs(x));
      if (b.lower > 0) return below + b.count * (at - low) / (high - low);
      return below + b.count * (1 - (at - high) / (low - high));
    }
    below += b.count;
  }
  return total;
}

}  // namespace

NativeValue FractionOfHistogram(double lower, double upper, const Histogram& h) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return {NormalNaN()};
  const std::vector<ValueBucket> buckets = BucketsInOrder(h);
  double total = h.count;
  NativeValue result{0};
  if (lower >= upper) return result;
  if (std::isnan(h.sum)) {
    total = 0;
    for (const ValueBucket& b : buckets) total += b.count;
    if (total < h.count) result.effect = NaNEffect::kExcluded;
  }
  const double low = std::min(RankIn(lower, h, buckets, total), total);
  const double high = std::min(RankIn(upper, h, buckets, total), total);
  result.value = (high - low) / h.count;
  return result;
}

double VarianceOfHistogram(const Histogram& h) {
  const double mean = h.sum / h.count;
  Compensated variance;
  for (const ValueBucket& b : BucketsInOrder(h)) {
    if (b.count == 0) continue;
    double v = 0;
    if (h.schema == kCustomBucketsSchema) {
      v = (b.upper + b.lower) / 2;
    } else if (!HoldsZero(b)) {
      v = std::copysign(std::sqrt(b.upper * b.lower), b.lower);
    }
    const double delta = v - mean;
    variance.Add(b.count * (delta * delta));
  }
  return variance.value() / h.count;
}

}  // namespace tocsin::query
