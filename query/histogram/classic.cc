#include "query/histogram/classic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "storage/model/sample.h"

namespace tocsin::query {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
// Relative difference that rounding in rates and sums may cause.
constexpr double kTolerance = 1e-12;

bool NearlyEqual(double a, double b) {
  if ((std::isnan(a) && std::isnan(b)) || a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b), difference = std::fabs(a - b);
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < kTolerance * kMinNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

void MergeEqualBounds(std::vector<ClassicBucket>* buckets) {
  size_t last = 0;
  for (size_t i = 1; i < buckets->size(); ++i) {
    if ((*buckets)[i].upper_bound == (*buckets)[last].upper_bound) {
      (*buckets)[last].count += (*buckets)[i].count;
    } else {
      (*buckets)[++last] = (*buckets)[i];
    }
  }
  buckets->resize(last + 1);
}

void MakeMonotonic(std::vector<ClassicBucket>* buckets, ClassicQuantile* result) {
  double previous = buckets->front().count;
  for (size_t i = 1; i < buckets->size(); ++i) {
    ClassicBucket& b = (*buckets)[i];
    if (b.count == previous) continue;
    if (NearlyEqual(previous, b.count)) {
      b.count = previous;
    } else if (b.count < previous) {
      if (!result->repaired) result->min_bucket = result->max_bucket = b.upper_bound;
      result->repaired = true;
      result->min_bucket = std::min(result->min_bucket, b.upper_bound);
      result->max_bucket = std::max(result->max_bucket, b.upper_bound);
      result->max_difference = std::max(result->max_difference, previous - b.count);
      b.count = previous;
    } else {
      previous = b.count;
    }
  }
}

bool Complete(const std::vector<ClassicBucket>& buckets) {
  return !buckets.empty() && buckets.back().upper_bound == kInf;
}

double Interpolate(double q, const std::vector<ClassicBucket>& buckets) {
  if (buckets.size() < 2 || buckets.back().count == 0) return NormalNaN();
  double rank = q * buckets.back().count;
  const auto inner_end = buckets.end() - 1;
  const auto it = std::partition_point(buckets.begin(), inner_end,
                                       [&](const ClassicBucket& b) { return !(b.count >= rank); });
  if (it == inner_end) return buckets[buckets.size() - 2].upper_bound;
  if (it == buckets.begin() && it->upper_bound <= 0) return it->upper_bound;
  double start = 0, count = it->count;
  if (it != buckets.begin()) {
    start = (it - 1)->upper_bound;
    count -= (it - 1)->count;
    rank -= (it - 1)->count;
  }
  return start + (it->upper_bound - start) * (rank / count);
}

// Observations at or below x.
double RankOf(double x, const std::vector<ClassicBucket>& buckets) {
  double below = 0, start = -kInf;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const ClassicBucket& b = buckets[i];
    if (i == 0 && b.upper_bound > 0) start = 0;
    if (start >= x) return below;
    if (b.upper_bound > x) {
      if (start == -kInf) return b.count;
      if (b.upper_bound == kInf) return below;
      return below + (b.count - below) * (x - start) / (b.upper_bound - start);
    }
    below = b.count;
    start = b.upper_bound;
  }
  return buckets.back().count;
}

}  // namespace

ClassicQuantile QuantileOfBuckets(double q, std::vector<ClassicBucket>* buckets) {
  if (std::isnan(q)) return {NormalNaN()};
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (!Complete(*buckets)) return {NormalNaN()};
  MergeEqualBounds(buckets);
  ClassicQuantile result{0};
  MakeMonotonic(buckets, &result);
  result.value = Interpolate(q, *buckets);
  return result;
}

double FractionOfBuckets(double lower, double upper, std::vector<ClassicBucket>* buckets) {
  if (!Complete(*buckets)) return NormalNaN();
  MergeEqualBounds(buckets);
  const double count = buckets->back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return NormalNaN();
  if (lower >= upper) return 0;
  const double low = std::min(RankOf(lower, *buckets), count);
  const double high = std::min(RankOf(upper, *buckets), count);
  return (high - low) / count;
}

}  // namespace tocsin::query
