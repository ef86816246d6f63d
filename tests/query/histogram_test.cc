// Native histograms as numbers: bounds, layouts, sums, resets, cuts.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "query/histogram/arithmetic.h"
#include "query/histogram/bounds.h"
#include "query/histogram/buckets.h"
#include "query/histogram/classic.h"
#include "query/histogram/quantile.h"
#include "query/histogram/text.h"
#include "query/histogram/trim.h"

namespace tocsin::query {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Histogram Make(int32_t schema, int32_t offset, std::vector<double> counts, double zero = 0,
               double threshold = 0) {
  Histogram h;
  h.schema = schema;
  h.positive_spans = {{offset, static_cast<uint32_t>(counts.size())}};
  h.zero_count = zero;
  h.zero_threshold = threshold;
  h.count = zero;
  for (double n : counts) h.count += n;
  h.positive_buckets = std::move(counts);
  return h;
}

TEST(Bounds, AreThoseOfTheReferenceTable) {
  EXPECT_EQ(ExponentialBound(64, 8), 0x1.306fe0a31b715p0);
  EXPECT_EQ(ExponentialBound(192, 8), 0x1.ae89f995ad3acp0);
  EXPECT_EQ(ExponentialBound(3, 0), 8);
  EXPECT_EQ(ExponentialBound(-1, 1), 0.7071067811865475);
  EXPECT_EQ(ExponentialBound(-3, -1), 1.0 / 64);
}

TEST(Bounds, EndWithTheFiniteDoubles) {
  EXPECT_EQ(ExponentialBound(1024, 0), std::numeric_limits<double>::max());
  EXPECT_EQ(ExponentialBound(1025, 0), kInf);
  EXPECT_EQ(ExponentialBound(2048, 1), std::numeric_limits<double>::max());
  EXPECT_EQ(ExponentialBound(2049, 1), kInf);
  EXPECT_EQ(ExponentialBound(std::numeric_limits<int32_t>::max(), -4), kInf);
  EXPECT_EQ(ExponentialBound(std::numeric_limits<int32_t>::min(), 8), 0);
}

TEST(Layout, CoarserSchemas) {
  for (auto [from, to] : {std::pair{-2, -1}, {-1, 0}, {0, 0}, {1, 1}, {2, 1}, {3, 2}}) {
    EXPECT_EQ(CoarserIndex(from, 1), to) << from;
  }
  FlatHistogram h(Make(2, 1, {1, 1, 1, 1, 2, 2}));
  h.ReduceSchema(0);
  ASSERT_EQ(h.positive.size(), 2u);
  EXPECT_EQ(h.positive[0].index, 1);
  EXPECT_EQ(h.positive[0].count.n, 4);
  EXPECT_EQ(h.positive[1].count.n, 4);
}

TEST(Layout, CompactSplitsSpans) {
  FlatHistogram h(Make(0, 0, {0, 2, 0, 3, 0}));
  h.Compact();
  const Histogram compact = h.ToHistogram();
  EXPECT_EQ(compact.positive_spans, (std::vector<Histogram::Span>{{1, 1}, {1, 1}}));
  EXPECT_EQ(compact.positive_buckets, (std::vector<double>{2, 3}));
}

TEST(Layout, SpansThatDoNotFitTheBucketsAreSurvived) {
  Histogram h = Make(0, 0, {1, 2});
  h.positive_spans = {{0, 1'000'000'000}};
  EXPECT_EQ(FlatHistogram(h).positive.size(), 2u);
}

TEST(Sum, WidensTheZeroBucketToTheOuterOne) {
  FlatHistogram a(Make(0, 0, {4, 4}, 1, 0.5));
  const Histogram b = Make(0, -2, {2, 1, 1, 1}, 2, 0.001);
  AddHistogram(&a, FlatHistogram(b), Rounding::kPlain);
  EXPECT_EQ(a.zero_threshold, 0.5);
  EXPECT_EQ(a.zero_count.n, 6);
  EXPECT_EQ(a.count.n, 16);
}

TEST(Sum, ThresholdInsideAPopulatedBucketMovesOutwards) {
  FlatHistogram a(Make(0, -2, {2, 1, 1, 1}, 2, 0.001));
  SubtractHistogram(&a, FlatHistogram(Make(0, -2, {2, 1, 1, 1}, 2, 0.3)));
  EXPECT_EQ(a.zero_threshold, 0.5);
  EXPECT_EQ(a.count.n, 0);
}

TEST(Sum, CustomBoundsMeetInWhatTheyShare) {
  Histogram a = Make(kCustomBucketsSchema, 0, {1, 2, 2, 1});
  a.custom_values = {1, 2, 4};
  Histogram b = Make(kCustomBucketsSchema, 0, {4, 3, 1, 1});
  b.custom_values = {2, 4, 8};
  FlatHistogram sum(a);
  EXPECT_TRUE(AddHistogram(&sum, FlatHistogram(b), Rounding::kPlain).reconciled);
  const Histogram result = sum.ToHistogram();
  EXPECT_EQ(result.custom_values, (std::vector<double>{2, 4}));
  EXPECT_EQ(result.positive_buckets, (std::vector<double>{7, 5, 3}));
  EXPECT_TRUE(AddHistogram(&sum, FlatHistogram(Make(0, 0, {1})), Rounding::kPlain).mixed);
}

TEST(Sum, HintsMerge) {
  using enum CounterResetHint;
  bool collision = false;
  EXPECT_EQ(MergeHints(kReset, kReset, &collision), kReset);
  EXPECT_EQ(MergeHints(kReset, kGauge, &collision), kGauge);
  EXPECT_EQ(MergeHints(kNotReset, kUnknown, &collision), kUnknown);
  EXPECT_FALSE(collision);
  EXPECT_EQ(MergeHints(kNotReset, kReset, &collision), kUnknown);
  EXPECT_TRUE(collision);
}

TEST(Sum, MeansDoNotOverflow) {
  Histogram h = Make(0, 0, {1.7e308});
  h.sum = 1.7e308;
  HistogramMean mean;
  for (int i = 0; i < 5; ++i) mean.Add(h);
  EXPECT_DOUBLE_EQ(mean.Result().ToHistogram().count, 1.7e308);
}

TEST(Reset, ByCountBucketSchemaAndZeroBucket) {
  const Histogram before = Make(1, 0, {2, 2}, 1, 0.001);
  EXPECT_FALSE(DetectReset(before, before));
  EXPECT_FALSE(DetectReset(Make(0, 0, {2, 3}, 1, 0.001), before));  // coarser is no reset
  EXPECT_TRUE(DetectReset(Make(1, 0, {2, 1}, 1, 0.001), before));
  EXPECT_TRUE(DetectReset(Make(1, 0, {9, 1}, 1, 0.001), before));
  EXPECT_TRUE(DetectReset(Make(1, 1, {9}, 1, 0.001), before));
  EXPECT_TRUE(DetectReset(Make(2, 0, {9, 9}, 1, 0.001), before));
  EXPECT_TRUE(DetectReset(Make(1, 0, {9, 9}, 0, 0.001), before));
  EXPECT_TRUE(DetectReset(Make(1, 0, {9, 9}, 9, 0.0001), before));
  Histogram told = Make(1, 0, {1, 1}, 1, 0.001);
  told.reset_hint = CounterResetHint::kNotReset;
  EXPECT_FALSE(DetectReset(told, before));
}

TEST(Same, LooksAtBitsAndEmptyBuckets) {
  const Histogram h = Make(0, 0, {1, 0});
  EXPECT_TRUE(SameHistogram(h, h));
  Histogram nan = h;
  nan.sum = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(SameHistogram(nan, nan));
  EXPECT_FALSE(SameHistogram(h, nan));
  Histogram shorter = Make(0, 0, {1});
  EXPECT_FALSE(SameHistogram(h, shorter));
}

TEST(Quantile, EdgesOfTheRange) {
  const Histogram h = Make(0, 0, {2, 2});
  EXPECT_EQ(QuantileOfHistogram(-0.1, h).value, -kInf);
  EXPECT_EQ(QuantileOfHistogram(1.1, h).value, kInf);
  EXPECT_TRUE(std::isnan(QuantileOfHistogram(0.5, Histogram()).value));
  EXPECT_EQ(QuantileOfHistogram(1, h).value, 2);
  EXPECT_EQ(FractionOfHistogram(2, 1, h).value, 0);
  EXPECT_EQ(FractionOfHistogram(-kInf, kInf, h).value, 1);
}

TEST(Quantile, ClassicNeedsTheInfiniteBucket) {
  std::vector<ClassicBucket> buckets = {{1, 5}, {2, 9}};
  EXPECT_TRUE(std::isnan(QuantileOfBuckets(0.5, &buckets).value));
  buckets = {{1, 5}, {1, 1}, {2, 9}, {kInf, 9}};  // equal bounds add up
  EXPECT_DOUBLE_EQ(QuantileOfBuckets(0.5, &buckets).value, 0.75);
}

TEST(Quantile, TinyDecreasesAreRoundingAndSilent) {
  std::vector<ClassicBucket> buckets = {{1, 5}, {2, 5 - 1e-13}, {kInf, 10}};
  EXPECT_FALSE(QuantileOfBuckets(0.5, &buckets).repaired);
  buckets = {{1, 5}, {2, 4}, {kInf, 10}};
  const ClassicQuantile q = QuantileOfBuckets(0.5, &buckets);
  EXPECT_TRUE(q.repaired);
  EXPECT_EQ(q.max_difference, 1);
}

TEST(Trim, NothingToCutIsTheSameHistogram) {
  auto h = std::make_shared<const Histogram>(Make(0, 0, {2, 2}));
  EXPECT_EQ(KeepBelow(h, 100), h);
  EXPECT_EQ(KeepAbove(h, 0), h);
  EXPECT_EQ(KeepBelow(h, 1)->count, 2);
  EXPECT_EQ(KeepAbove(h, 1)->count, 2);
}

TEST(Text, LowestBucketFirst) {
  Histogram h = Make(0, 0, {2, 0, 1}, 2, 0.001);
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {1};
  h.count = 6;
  h.sum = 20;
  EXPECT_EQ(HistogramText(h),
            "{count:6, sum:20, [-1,-0.5):1, [-0.001,0.001]:2, (0.5,1]:2, (2,4]:1}");
}

}  // namespace
}  // namespace tocsin::query
