// Queries answered from levels give what raw samples give: exactly where the edges of windows lie
// on the grid of the level, and what raw samples give a little earlier elsewhere.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <random>

#include "query/engine.h"
#include "storage/model/sample.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::query {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::Store;

constexpr Timestamp kDay{1'700'006'400'000 / 86'400'000 * 86'400'000};
constexpr Duration kHour{3'600'000};

Labels Named(const std::string& name, const std::string& le = "") {
  LabelsBuilder labels;
  labels.Set("__name__", name);
  labels.Set("instance", "i");
  labels.Set("job", "j");
  if (!le.empty()) labels.Set("le", le);
  return labels.Build();
}

// One store for all tests: it takes longer to fill than to ask.
struct Site {
  Site() : store(kDay) {
    store.options.retention_time = Duration{0};
    store.options.sync_interval = hours(1);  // or a timer a second makes days slow
    store.Open();
    EngineOptions options;
    options.features.experimental_functions = true;
    engine = std::make_unique<Engine>(options, *store.db, store.scheduler, engine_metrics);
    Fill(1);
  }

  // Three days and three hours, the fourth day open.
  void Fill(uint32_t seed, Duration step = seconds(127)) {
    std::mt19937 random(seed);
    double counter = 0, decimals = 0, small = 0, large = 0;
    const int n = static_cast<int>(hours(75) / step);
    for (int i = 0; i < n; ++i) {
      const Timestamp t = kDay + i * step + (i % 5 == 0 ? Duration{0} : Duration{random() % 900});
      store.scheduler.Advance(step);
      counter = random() % 300 == 0 ? random() % 3 : counter + random() % 100;
      decimals += (random() % 1000) * 0.01;
      small += random() % 5;
      large = small + (large - small) + random() % 3;
      if (random() % 900 == 0) small = large = 0;
      std::vector<std::pair<Labels, double>> row{{Named("c_total"), counter},
                                                 {Named("d_total"), decimals},
                                                 {Named("h_bucket", "1"), small},
                                                 {Named("h_bucket", "5"), small + large},
                                                 {Named("h_bucket", "+Inf"), small + large * 2},
                                                 {Named("g"), (random() % 2000) * 0.01 - 10},
                                                 {Named("constant"), 3.25}};
      if (random() % 3 != 0) row.emplace_back(Named("gaps"), random() % 9);
      if (i / 150 % 2 == 0)
        row.emplace_back(Named("short_lived_total"),
                         i % 150 == 149 ? StaleMarker() : static_cast<double>(i % 150));
      if (random() % 40 == 0) row.emplace_back(Named("odd"), std::nan(""));
      store.Append(t, row);
      if (i % 3 == 0) {
        auto h = std::make_shared<Histogram>();
        h->integer = true;
        h->count = small + large;
        h->sum = small;
        h->positive_spans = {{0, 2}};
        h->positive_buckets = {small, large};
        auto appender = store.db->NewAppender();
        auto ref = appender->Resolve(Named("native"));
        ASSERT_TRUE(ref.ok());
        const Status appended = appender->AppendHistogram(*ref, t, *h);
        ASSERT_TRUE(appended.ok()) << appended.error().message();
        Store::Commit(*appender);
      }
    }
    store.scheduler.Advance(minutes(10));
  }

  Store store;
  MetricRegistry engine_metrics;
  std::unique_ptr<Engine> engine;
};

class LevelsQuery : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { site = new Site; }
  static void TearDownTestSuite() {
    delete site;
    site = nullptr;
  }

  QueryResult Ask(const std::string& text, Timestamp start, Timestamp end, Duration step,
                  Duration resolution) {
    QueryOptions options;
    options.max_source_resolution = resolution;
    auto result = site->engine->Range(text, start, end, step, options);
    EXPECT_TRUE(result.ok()) << text;
    return result.ok() ? *std::move(result) : QueryResult{};
  }

  static std::map<std::string, std::map<int64_t, std::string>> Texts(const QueryResult& result) {
    std::map<std::string, std::map<int64_t, std::string>> out;
    for (const auto& series : std::get<Matrix>(result.value.v)) {
      for (const auto& [t, v] : series.floats) {
        char text[64];
        // Sums that cancel out leave a rest of rounding.
        std::snprintf(text, sizeof text, "%.10g", std::fabs(v) < 1e-9 ? 0 : v);
        out[series.labels.ToString()][t.ms] = text;
      }
      for (const auto& [t, h] : series.histograms) {
        char text[96];
        std::snprintf(text, sizeof text, "h %.10g %.10g", h->count, h->sum);
        out[series.labels.ToString()][t.ms] = text;
      }
    }
    return out;
  }

  // Equal, and cheaper: fewer things were read.
  void ExpectSame(const std::string& text, Timestamp start, Timestamp end, Duration step,
                  std::optional<bool> from_level = true) {
    const QueryResult raw = Ask(text, start, end, step, Duration{0});
    const QueryResult level = Ask(text, start, end, step, kAnyResolution);
    EXPECT_EQ(Texts(raw), Texts(level)) << text;
    EXPECT_FALSE(Texts(raw).empty()) << text;
    if (!from_level) return;  // a sparse series has hardly more samples than cells
    if (*from_level)
      EXPECT_LT(level.stats.samples_read, raw.stats.samples_read * 3 / 4) << text;
    else
      EXPECT_EQ(level.stats.samples_read, raw.stats.samples_read) << text;
  }

  static inline Site* site = nullptr;
};

constexpr const char* kFunctions[] = {"rate",           "increase",          "delta",
                                      "resets",         "sum_over_time",     "avg_over_time",
                                      "min_over_time",  "max_over_time",     "count_over_time",
                                      "last_over_time", "present_over_time", "first_over_time"};

TEST_F(LevelsQuery, OnTheGridResultsAreThoseOfRawSamples) {
  for (const char* function : kFunctions) {
    for (const char* range : {"1h", "2h", "7h"}) {
      for (const char* name : {"g", "constant", "gaps"}) {
        const bool keeps_resets = std::string(name) == "constant";
        const std::string f = function;
        if (!keeps_resets && (f == "rate" || f == "increase" || f == "resets")) continue;
        ExpectSame(f + "(" + name + "[" + range + "])", kDay + hours(8), kDay + hours(74),
                   minutes(60));
      }
    }
  }
  for (const char* function : {"rate", "increase", "delta", "resets", "count_over_time",
                               "min_over_time", "max_over_time", "last_over_time"}) {
    for (const char* name : {"c_total", "d_total", "short_lived_total", "h_bucket"}) {
      ExpectSame(std::string(function) + "(" + name + "[2h])", kDay + hours(2), kDay + hours(74),
                 kHour);
      ExpectSame(std::string(function) + "(" + name + "[10m])", kDay + hours(2), kDay + hours(74),
                 minutes(5));
    }
  }
  ExpectSame("histogram_quantile(0.7, rate(h_bucket[2h]))", kDay + hours(2), kDay + hours(74),
             kHour);
  ExpectSame("max_over_time(odd[2h])", kDay + hours(2), kDay + hours(74), kHour, std::nullopt);
  ExpectSame("sum_over_time(odd[2h])", kDay + hours(2), kDay + hours(74), kHour, std::nullopt);
}

TEST_F(LevelsQuery, InstantSelectorsOnTheGrid) {
  for (const char* text : {"g", "sum by (job) (c_total)", "gaps", "short_lived_total",
                           "timestamp(g)", "c_total offset 1h"}) {
    ExpectSame(text, kDay + hours(2), kDay + hours(74), kHour);
    ExpectSame(text, kDay + hours(2), kDay + hours(74), minutes(10));
  }
}

TEST_F(LevelsQuery, NativeHistograms) {
  for (const char* text : {"histogram_quantile(0.5, rate(native[2h]))", "increase(native[3h])",
                           "native", "histogram_count(native)", "count_over_time(native[2h])",
                           "resets(native[2h])", "last_over_time(native[2h])"})
    ExpectSame(text, kDay + hours(3), kDay + hours(74), kHour);
}

TEST_F(LevelsQuery, WhatALevelCannotTellIsReadRaw) {
  for (const char* text : {"irate(c_total[2h])", "quantile_over_time(0.5, g[2h])", "changes(g[2h])",
                           "stddev_over_time(g[2h])", "deriv(g[2h])", "rate(c_total[4m])"})
    ExpectSame(text, kDay + hours(2), kDay + hours(74), kHour, /*from_level=*/false);
  // Steps finer than the level.
  ExpectSame("rate(c_total[2h])", kDay + hours(2), kDay + hours(30), minutes(1), false);
}

// Off the grid the result is that of the grid before: what raw samples gave then.
TEST_F(LevelsQuery, OffTheGridIsTheGridBefore) {
  for (const char* text : {"rate(c_total[5h])", "avg_over_time(g[5h])", "count_over_time(g[5h])"}) {
    const Duration shift = minutes(17);
    const auto raw = Texts(Ask(text, kDay + hours(6), kDay + hours(70), kHour, Duration{0}));
    const auto level =
        Texts(Ask(text, kDay + hours(6) + shift, kDay + hours(70) + shift, kHour, kHour));
    ASSERT_EQ(raw.size(), level.size());
    ASSERT_FALSE(raw.empty());
    // Only for those who name a resolution.
    const Timestamp start = kDay + hours(6) + shift, end = kDay + hours(70) + shift;
    EXPECT_EQ(Texts(Ask(text, start, end, kHour, kAnyResolution)),
              Texts(Ask(text, start, end, kHour, Duration{0})));
    for (const auto& [name, values] : raw)
      for (const auto& [t, value] : values)
        EXPECT_EQ(level.at(name).at(t + shift.count()), value) << text << " " << t;
  }
}

TEST_F(LevelsQuery, RulesAndTheZeroResolutionReadRaw) {
  const auto raw = Ask("rate(c_total[2h])", kDay + hours(2), kDay + hours(70), kHour, Duration{0});
  const auto five = Ask("rate(c_total[2h])", kDay + hours(2), kDay + hours(70), kHour, minutes(5));
  const auto hour = Ask("rate(c_total[2h])", kDay + hours(2), kDay + hours(70), kHour, kHour);
  EXPECT_GT(raw.stats.samples_read, five.stats.samples_read);
  EXPECT_GT(five.stats.samples_read, hour.stats.samples_read);
  EXPECT_EQ(Texts(raw), Texts(five));
  EXPECT_EQ(Texts(raw), Texts(hour));
}

}  // namespace
}  // namespace tocsin::query
