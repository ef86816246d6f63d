#include "query/histogram/flat.h"

#include <cmath>

#include "query/histogram/bounds.h"

namespace tocsin::query {
namespace {

FlatBuckets Flatten(const std::vector<Histogram::Span>& spans, const std::vector<double>& counts) {
  FlatBuckets buckets;
  buckets.reserve(counts.size());
  int32_t index = 0;
  size_t next = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < counts.size(); ++i) {
      buckets.push_back({index++, {counts[next++], 0}});
    }
  }
  return buckets;
}

void Unflatten(const FlatBuckets& buckets, std::vector<Histogram::Span>* spans,
               std::vector<double>* counts) {
  int32_t end = 0;  // index after the last bucket
  for (const FlatBucket& b : buckets) {
    if (spans->empty() || b.index != end) {
      spans->push_back({spans->empty() ? b.index : b.index - end, 0});
    }
    ++spans->back().length;
    counts->push_back(b.count.value());
    end = b.index + 1;
  }
}

void MergeCoarser(FlatBuckets* buckets, int32_t by) {
  size_t last = 0;
  for (size_t i = 0; i < buckets->size(); ++i) {
    FlatBucket b = (*buckets)[i];
    b.index = CoarserIndex(b.index, by);
    if (i > 0 && (*buckets)[last].index == b.index) {
      (*buckets)[last].count.n += b.count.n;
      (*buckets)[last].count.c += b.count.c;
    } else {
      if (i > 0) ++last;
      (*buckets)[last] = b;
    }
  }
  if (!buckets->empty()) buckets->resize(last + 1);
}

}  // namespace

void Compensated::Add(double x) {
  const double t = n + x;
  if (std::isinf(t)) {
    c = 0;
  } else if (std::fabs(n) >= std::fabs(x)) {
    c += (n - t) + x;
  } else {
    c += (x - t) + n;
  }
  n = t;
}

FlatHistogram::FlatHistogram(const Histogram& h)
    : hint(h.reset_hint),
      schema(h.schema),
      zero_threshold(h.zero_threshold),
      zero_count{h.zero_count, 0},
      count{h.count, 0},
      sum{h.sum, 0},
      positive(Flatten(h.positive_spans, h.positive_buckets)),
      negative(Flatten(h.negative_spans, h.negative_buckets)),
      custom_values(h.custom_values) {}

double FlatHistogram::Upper(int32_t index) const {
  return custom() ? CustomBound(index, custom_values) : ExponentialBound(index, schema);
}

void FlatHistogram::Compact() {
  auto empty = [](const FlatBucket& b) { return b.count.n == 0 && b.count.c == 0; };
  std::erase_if(positive, empty);
  std::erase_if(negative, empty);
}

void FlatHistogram::Settle() {
  ForEachNumber([](Compensated& x) { x = {x.value(), 0}; });
}

Histogram FlatHistogram::ToHistogram() const {
  Histogram h;
  h.reset_hint = hint;
  h.schema = schema;
  h.zero_threshold = zero_threshold;
  h.zero_count = zero_count.value();
  h.count = count.value();
  h.sum = sum.value();
  h.custom_values = custom_values;
  Unflatten(positive, &h.positive_spans, &h.positive_buckets);
  Unflatten(negative, &h.negative_spans, &h.negative_buckets);
  return h;
}

HistogramPtr FlatHistogram::ToShared() const {
  return std::make_shared<const Histogram>(ToHistogram());
}

void FlatHistogram::ReduceSchema(int32_t target) {
  if (target >= schema) return;
  MergeCoarser(&positive, schema - target);
  MergeCoarser(&negative, schema - target);
  schema = target;
}

void FlatHistogram::Multiply(double f) {
  ForEachNumber([f](Compensated& x) {
    x.n *= f;
    x.c *= f;
  });
  if (f < 0) hint = CounterResetHint::kGauge;
}

void FlatHistogram::Divide(double d) {
  if (d == 0) {
    positive.clear();
    negative.clear();
  }
  ForEachNumber([d](Compensated& x) {
    x.n /= d;
    if (x.c != 0) x.c /= d;
  });
  if (d < 0) hint = CounterResetHint::kGauge;
}

}  // namespace tocsin::query
