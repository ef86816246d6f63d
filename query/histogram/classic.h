// Quantiles and fractions of classic histograms: cumulative buckets, one series each.
#pragma once

#include <vector>

namespace tocsin::query {

struct ClassicBucket {
  double upper_bound;
  double count;  // cumulative
};

struct ClassicQuantile {
  double value;
  // Set when counts decreased and had to be raised: where, and by how much at most.
  bool repaired = false;
  double min_bucket = 0, max_bucket = 0, max_difference = 0;
};

// `buckets` sorted by bound; equal bounds are added together, and counts are made monotonic, in
// place.
ClassicQuantile QuantileOfBuckets(double q, std::vector<ClassicBucket>* buckets);

// The share of observations in (lower, upper]. `buckets` as above.
double FractionOfBuckets(double lower, double upper, std::vector<ClassicBucket>* buckets);

}  // namespace tocsin::query
