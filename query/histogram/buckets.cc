#include "query/histogram/buckets.h"

#include <algorithm>

#include "query/histogram/flat.h"

namespace tocsin::query {

std::vector<ValueBucket> BucketsInOrder(const Histogram& h) {
  const FlatHistogram flat(h);
  std::vector<ValueBucket> buckets;
  buckets.reserve(flat.negative.size() + flat.positive.size() + 1);
  const double t = h.zero_threshold;
  for (auto it = flat.negative.rbegin(); it != flat.negative.rend(); ++it) {
    ValueBucket b{-flat.Upper(it->index), -flat.Lower(it->index), true, false, it->count.n};
    if (b.upper < 0 && b.upper > -t) b.upper = -t;
    buckets.push_back(b);
  }
  if (h.zero_count > 0) buckets.push_back({-t, t, true, true, h.zero_count});
  for (const FlatBucket& bucket : flat.positive) {
    ValueBucket b{flat.Lower(bucket.index), flat.Upper(bucket.index), false, true, bucket.count.n};
    if (flat.custom()) {
      b.lower_inclusive = bucket.index == 0;
    } else if (b.lower > 0 && b.lower < t) {
      b.lower = t;
    }
    buckets.push_back(b);
  }
  return buckets;
}

}  // namespace tocsin::query
