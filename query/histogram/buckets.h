// The buckets of a native histogram in the order of their values.
#pragma once

#include <vector>

#include "storage/model/histogram.h"

namespace tocsin::query {

struct ValueBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
};

// Negative buckets from the lowest up, the zero bucket if it holds anything, positive ascending.
// Buckets that begin inside the zero bucket are clipped to its edge; empty ones are included.
std::vector<ValueBucket> BucketsInOrder(const Histogram& h);

}  // namespace tocsin::query
