#include "query/histogram/trim.h"

#include <cmath>

#include "query/histogram/flat.h"

namespace tocsin::query {
namespace {

struct Kept {
  double count;
  double middle;  // stands for the kept observations in the new sum
};

double Middle(double lower, double upper, bool linear) {
  if (std::isinf(lower) && std::isinf(upper)) return 0;
  if (std::isinf(lower)) return upper > 0 ? upper / 2 : upper;
  if (std::isinf(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const double mean = std::sqrt(std::fabs(lower * upper));
  return lower < 0 ? -mean : mean;
}

// The share of a finite bucket below x, which lies inside.
double ShareBelow(double lower, double upper, double x, bool linear) {
  if (linear) return (x - lower) / (upper - lower);
  const double low = std::log2(std::fabs(lower)), high = std::log2(std::fabs(upper));
  const double at = std::log2(std::fabs(x));
  return lower > 0 ? (at - low) / (high - low) : 1 - (at - high) / (low - high);
}

Kept Below(double lower, double upper, double n, double x, bool linear) {
  if (upper <= x) return {n, Middle(lower, upper, linear)};
  if (lower >= x || std::isnan(x)) return {0, 0};
  if (std::isinf(lower)) {
    if (upper <= 0) return {n, x};
    if (x > 0 && std::isfinite(upper)) return {n * x / upper, x / 2};
    return {0, 0};
  }
  if (std::isinf(upper)) return {0, 0};
  return {n * ShareBelow(lower, upper, x, linear), Middle(lower, x, linear)};
}

Kept Above(double lower, double upper, double n, double x, bool linear) {
  if (lower >= x) return {n, Middle(lower, upper, linear)};
  if (upper <= x || std::isnan(x)) return {0, 0};
  if (std::isinf(lower)) {
    if (x >= 0 && std::isfinite(upper)) return {n * (1 - x / upper), (x + upper) / 2};
    return {0, 0};
  }
  if (std::isinf(upper)) return {n, x};
  return {n - n * ShareBelow(lower, upper, x, linear), Middle(x, upper, linear)};
}

Kept ZeroPart(double lower, double upper, double n, double x, bool below) {
  if (std::isnan(x)) return {x, 0};
  if (x <= lower) return below ? Kept{0, 0} : Kept{n, (lower + upper) / 2};
  if (x >= upper) return below ? Kept{n, (lower + upper) / 2} : Kept{0, 0};
  if (below) return {n * (x - lower) / (upper - lower), (lower + x) / 2};
  return {n * (upper - x) / (upper - lower), (x + upper) / 2};
}

HistogramPtr Trim(const HistogramPtr& histogram, double x, bool below) {
  FlatHistogram h(*histogram);
  const bool linear = h.custom();
  auto part = below ? &Below : &Above;
  double count = 0, sum = 0;
  bool changed = false;
  auto take = [&](Compensated* n, const Kept& kept) {
    changed = changed || kept.count != n->n;
    count += kept.count;
    if (kept.count != 0) sum += kept.middle * kept.count;
    n->n = kept.count;
  };
  const bool has_positive = !h.positive.empty(), has_negative = !h.negative.empty();
  for (FlatBucket& b : h.positive) {
    if (b.count.n == 0) continue;
    take(&b.count, part(h.Lower(b.index), h.Upper(b.index), b.count.n, x, linear));
  }
  for (FlatBucket& b : h.negative) {
    if (b.count.n == 0) continue;
    take(&b.count, part(-h.Upper(b.index), -h.Lower(b.index), b.count.n, x, linear));
  }
  if (h.zero_count.n > 0) {
    const double lower = has_positive && !has_negative ? 0 : -h.zero_threshold;
    const double upper = has_negative && !has_positive ? 0 : h.zero_threshold;
    take(&h.zero_count, ZeroPart(lower, upper, h.zero_count.n, x, below));
  }
  if (!changed) return histogram;
  h.count = {count, 0};
  h.sum = {sum, 0};
  h.Compact();
  return h.ToShared();
}

}  // namespace

HistogramPtr KeepBelow(const HistogramPtr& h, double x) { return Trim(h, x, true); }
HistogramPtr KeepAbove(const HistogramPtr& h, double x) { return Trim(h, x, false); }

}  // namespace tocsin::query
