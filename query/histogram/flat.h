// Native histograms in the form that arithmetic likes: a flat list of buckets per side instead of
// spans, each number with room for the compensation of a running sum.
#pragma once

#include <cstdint>
#include <vector>

#include "query/value.h"
#include "storage/model/histogram.h"

namespace tocsin::query {

// n + c: a number and what rounding took from it while it was summed up; c is 0 outside sums.
struct Compensated {
  double n = 0;
  double c = 0;

  void Add(double x);
  double value() const { return n + c; }
};

struct FlatBucket {
  int32_t index;
  Compensated count;
};
using FlatBuckets = std::vector<FlatBucket>;  // ascending index; may hold empty buckets

struct FlatHistogram {
  CounterResetHint hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  Compensated zero_count, count, sum;
  FlatBuckets positive, negative;
  std::vector<double> custom_values;

  FlatHistogram() = default;
  explicit FlatHistogram(const Histogram& h);

  bool custom() const { return schema == kCustomBucketsSchema; }
  // Bounds of a positive bucket, and of a negative one by absolute value.
  double Upper(int32_t index) const;
  double Lower(int32_t index) const { return Upper(index - 1); }

  // Leaves empty buckets out.
  void Compact();
  // Adds compensations to their numbers.
  void Settle();
  // As a sample. Compensations are added.
  Histogram ToHistogram() const;
  HistogramPtr ToShared() const;

  // REQUIRES: exponential, `target` <= schema.
  void ReduceSchema(int32_t target);
  // All numbers times f (a negative one makes a gauge) / over d (by zero: buckets vanish).
  void Multiply(double f);
  void Divide(double d);

  template <typename F>
  void ForEachNumber(F&& f) {
    f(zero_count);
    f(count);
    f(sum);
    for (FlatBucket& b : positive) f(b.count);
    for (FlatBucket& b : negative) f(b.count);
  }
};

}  // namespace tocsin::query
