// Counters whose samples tell when they began.
#include "query/functions/start_time.h"

#include <gtest/gtest.h>

#include "query/engine.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::query {
namespace {

TEST(StartTime, SaysWhenACounterBeganAnew) {
  // The start of the second sample between, at and before the first one's time.
  EXPECT_TRUE(StartsAnew(0, 100, 150, 200));
  EXPECT_FALSE(StartsAnew(50, 100, 50, 200));
  EXPECT_FALSE(StartsAnew(50, 100, 80, 200));
  // Deltas start where the last one ended, unless that one's own start is unknown or no start.
  EXPECT_TRUE(StartsAnew(50, 100, 100, 200));
  EXPECT_FALSE(StartsAnew(0, 100, 100, 200));
  EXPECT_FALSE(StartsAnew(100, 100, 100, 200));
  EXPECT_FALSE(StartsAnew(120, 100, 100, 200));
  // Unknown and impossible ones.
  EXPECT_FALSE(StartsAnew(50, 100, 0, 200));
  EXPECT_FALSE(StartsAnew(50, 100, 200, 200));
  EXPECT_FALSE(StartsAnew(50, 100, 250, 200));
}

class StartTimeTest : public ::testing::Test {
 protected:
  // Samples of one series, one a second from 1 s on.
  void Load(std::initializer_list<double> values, std::initializer_list<int64_t> starts) {
    int64_t t = 0;
    auto start = starts.begin();
    for (const double v : values) {
      store_.Add(kTotal, t += 1000, v);
      store_.SetStart(kTotal, t, *start++);
    }
  }
  double At(std::string_view query, int64_t t, bool feature = true) {
    EngineOptions options;
    options.features.use_start_timestamps = feature;
    options.features.experimental_functions = true;
    Engine engine(options, store_, clock_, metrics_);
    auto result = engine.Instant(query, Timestamp{t});
    EXPECT_TRUE(result.ok());
    warnings_ = result->warnings;
    const auto& vector = std::get<Vector>(result->value.v);
    return vector.empty() ? -1 : vector[0].v;
  }

  const Labels kTotal{{"__name__", "n_total"}};
  tocsin::testing::MemoryQueryable store_;
  tocsin::testing::ManualScheduler clock_;
  MetricRegistry metrics_;
  std::vector<std::string> warnings_;
};

TEST_F(StartTimeTest, ARestartThatTheValuesHideIsSeen) {
  Load({5, 7, 9}, {1, 1, 2500});
  // 9 - 5, and 7 for the restart; the window ends at the last sample and begins one step before the
  // first, where the counter was more than zero.
  EXPECT_DOUBLE_EQ(At("increase(n_total[2001ms])", 3000), 11 * (2000 + 1) / 2000.0);
  EXPECT_DOUBLE_EQ(At("increase(n_total[2001ms])", 3000, false), 4 * (2000 + 1) / 2000.0);
  EXPECT_DOUBLE_EQ(At("irate(n_total[3s])", 3000), 9);
  EXPECT_DOUBLE_EQ(At("resets(n_total[3s])", 3000), 1);
  EXPECT_DOUBLE_EQ(At("resets(n_total[3s])", 3000, false), 0);
}

TEST_F(StartTimeTest, ACounterBornInTheWindowCountsFromZero) {
  Load({4}, {600});
  EXPECT_DOUBLE_EQ(At("increase(n_total[2s])", 1000), 4);
  EXPECT_DOUBLE_EQ(At("rate(n_total[2s])", 1000), 2);
  EXPECT_EQ(At("increase(n_total[2s])", 1000, false), -1);
  EXPECT_DOUBLE_EQ(At("start_timestamp(n_total)", 1000), 0.6);
  EXPECT_EQ(At("start_timestamp(n_total * 1)", 1000), -1);
}

TEST_F(StartTimeTest, OverlappingStartsAreWarnedOf) {
  Load({1, 2, 3}, {0, 500, 700});
  At("rate(n_total[5s])", 3000);
  EXPECT_EQ(warnings_, (std::vector<std::string>{
                           "PromQL warning: sample has start time that overlaps with previous "
                           "sample timestamp for metric \"n_total\" (1:6)"}));
}

}  // namespace
}  // namespace tocsin::query
