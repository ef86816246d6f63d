// A range query is the instant queries at its steps, bit by bit: sliding state, folding, merging
// and the repetition of pinned parts may not show. Random data with gaps, resets, NaN, staleness
// markers and histograms; random times.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <map>
#include <random>

#include "query/engine.h"
#include "query/histogram/arithmetic.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::query {
namespace {

using tocsin::testing::ManualScheduler;
using tocsin::testing::MemoryQueryable;

constexpr const char* kQueries[] = {
    "m",
    "m offset 90s",
    "m @ 200 + on (i) m",
    "-m > 3",
    "rate(m[1m])",
    "increase(m[5m])",
    "delta(m[2m])",
    "irate(m[1m])",
    "idelta(m[1m])",
    "deriv(m[2m])",
    "predict_linear(m[2m], 60)",
    "double_exponential_smoothing(m[2m], 0.3, 0.6)",
    "changes(m[2m])",
    "resets(m[2m])",
    "sum_over_time(m[2m])",
    "avg_over_time(m[2m])",
    "min_over_time(m[2m])",
    "max_over_time(m[2m])",
    "count_over_time(m[40s])",
    "stddev_over_time(m[2m])",
    "quantile_over_time(0.7, m[2m])",
    "mad_over_time(m[2m])",
    "last_over_time(m[1m])",
    "first_over_time(m[1m])",
    "present_over_time(m[30s])",
    "ts_of_max_over_time(m[2m])",
    "ts_of_min_over_time(m[2m])",
    "rate(m[1m] anchored)",
    "increase(m[1m] smoothed)",
    "changes(m[1m] anchored)",
    "m smoothed",
    "absent(m{i=\"1\"})",
    "absent_over_time(m{i=\"1\"}[30s])",
    "sum by (g) (m)",
    "avg(m)",
    "count without (i) (m)",
    "stddev by (g) (m)",
    "max by (g) (m) - min by (g) (m)",
    "quantile by (g) (0.4, m)",
    "topk by (g) (2, m)",
    "bottomk(3, m)",
    "limitk(2, m)",
    "count_values(\"v\", round(m))",
    "sum by (g) (rate(m[1m]))",
    "m and on (g) (m > 50)",
    "m unless on (g) (m > 50)",
    "(m > 50) or on (i) (m * 0)",
    "m / on (g) group_left sum by (g) (m)",
    "(m > 40) + on (i) fill(1) (m < 60)",
    "max_over_time(rate(m[1m])[2m:20s])",
    "sum_over_time((m > 20)[1m:15s] offset 30s)",
    "timestamp(m)",
    "label_replace(m > 30, \"x\", \"$1\", \"i\", \"(.)\")",
    "histogram_count(h)",
    "histogram_quantile(0.6, rate(h[2m]))",
    "increase(h[2m])",
    "sum(h)",
    "sum_over_time(h[1m])",
    "resets(h[2m])",
    "h * 2 + h",
    "clamp(m, 10, 30) * scalar(m{i=\"0\"})",
    "hour() + minute() + vector(time())",
};

class Steps : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    std::mt19937 random(GetParam());
    auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    for (int s = 0; s < 7; ++s) {
      const Labels labels{
          {"__name__", "m"}, {"g", std::to_string(s % 2)}, {"i", std::to_string(s)}};
      const bool whole = chance(50);
      double v = random() % 50;
      for (int64_t t = random() % 15'000; t < 900'000; t += 15'000 + random() % 50) {
        if (chance(10)) continue;
        if (chance(3)) t += 120'000;
        v = chance(5) ? random() % 5 : v + random() % 9 * (whole ? 1 : 0.37);
        const double odd = chance(2) ? std::numeric_limits<double>::quiet_NaN() : v;
        store_.Add(labels, t, chance(2) ? StaleMarker() : odd);
      }
    }
    Histogram h;
    h.positive_spans = {{0, 3}};
    h.positive_buckets = {1, 2, 0};
    for (int64_t t = 0; t < 900'000; t += 15'000) {
      if (chance(5)) h.positive_buckets = {0, 0, 0};
      h.positive_buckets[random() % 3] += random() % 4;
      h.count = h.positive_buckets[0] + h.positive_buckets[1] + h.positive_buckets[2];
      h.sum = h.count * 1.5;
      if (!chance(10)) store_.Add({{"__name__", "h"}}, t, h);
    }
  }

  // Values by labels at one time.
  using AtStep = std::map<Labels, std::pair<double, HistogramPtr>>;

  static bool Same(const AtStep& a, const AtStep& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      if (x.first != y.first) return false;
      const auto& [v, h] = x.second;
      const auto& [w, g] = y.second;
      if ((h == nullptr) != (g == nullptr)) return false;
      if (h != nullptr) return SameHistogram(*h, *g);
      return std::bit_cast<uint64_t>(v) == std::bit_cast<uint64_t>(w);
    });
  }

  MemoryQueryable store_;
  ManualScheduler clock_;
  MetricRegistry metrics_;
};

TEST_P(Steps, RangeEqualsInstants) {
  std::mt19937 random(GetParam() + 1000);
  EngineOptions options;
  options.features.experimental_functions = options.features.extended_range_selectors = true;
  options.features.binop_fill_modifiers = true;
  options.features.delayed_name_removal = GetParam() % 2 == 1;
  options.lookback_delta = Duration{60'000};
  const Engine engine(options, store_, clock_, metrics_);
  for (const char* query : kQueries) {
    const int64_t start = random() % 100'000, step = 1'000 + random() % 60'000;
    const int64_t end = start + step * 12;
    auto range = engine.Range(query, Timestamp{start}, Timestamp{end}, Duration{step});
    std::map<int64_t, AtStep> steps;
    if (range.ok()) {
      for (const Series& series : std::get<Matrix>(range->value.v)) {
        for (const Sample& s : series.floats) steps[s.t.ms][series.labels] = {s.v, nullptr};
        for (const auto& s : series.histograms) steps[s.t.ms][series.labels] = {0, s.h};
      }
    }
    bool failed = false;
    for (int64_t t = start; t <= end; t += step) {
      auto instant = engine.Instant(query, Timestamp{t});
      failed = failed || !instant.ok();
      if (!instant.ok() || !range.ok()) continue;
      AtStep expected;
      for (const auto& e : std::get<Vector>(instant->value.v)) expected[e.labels] = {e.v, e.h};
      EXPECT_TRUE(Same(steps[t], expected)) << query << " at " << t << " step " << step;
    }
    EXPECT_EQ(range.ok(), !failed) << query << ": " << (range.ok() ? "" : range.error().message());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Steps, ::testing::Range(0, 6));

}  // namespace
}  // namespace tocsin::query
