// A native histogram sample. Bucket counts are absolute (not deltas); integer histograms keep
// integer() true and hold whole numbers below 2^53 (a larger count is refused at the door).
// Semantics: docs/promql.md and the query engine; here it is a value. Any thread may read.
#pragma once

#include <cstdint>
#include <vector>

namespace tocsin {

enum class CounterResetHint : uint8_t { kUnknown = 0, kReset = 1, kNotReset = 2, kGauge = 3 };

inline constexpr int32_t kCustomBucketsSchema = -53;

struct Histogram {
  struct Span {
    int32_t offset = 0;
    uint32_t length = 0;
    bool operator==(const Span&) const = default;
  };

  bool integer = false;
  CounterResetHint reset_hint = CounterResetHint::kUnknown;
  int32_t schema = 0;  // -4..8 exponential, kCustomBucketsSchema custom bounds
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;  // the staleness marker makes the whole sample a marker
  std::vector<Span> positive_spans, negative_spans;
  std::vector<double> positive_buckets, negative_buckets;
  std::vector<double> custom_values;

  bool operator==(const Histogram&) const = default;
};

}  // namespace tocsin
