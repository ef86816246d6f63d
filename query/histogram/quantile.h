// Quantiles, fractions and spread of native histograms.
#pragma once

#include "storage/model/histogram.h"

namespace tocsin::query {

enum class NaNEffect { kNone, kResultIsNaN, kSkewedHigher, kExcluded };

struct NativeValue {
  double value;
  NaNEffect effect = NaNEffect::kNone;  // of NaN observations, for annotations
};

NativeValue QuantileOfHistogram(double q, const Histogram& h);
// The share of observations in (lower, upper].
NativeValue FractionOfHistogram(double lower, double upper, const Histogram& h);
// Estimated from the middles of the buckets.
double VarianceOfHistogram(const Histogram& h);

}  // namespace tocsin::query
