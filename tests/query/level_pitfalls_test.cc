// What users of other downsampling systems met (docs/retention.md, 3), each shown not to happen.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

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
constexpr Duration kFive{300'000};

// A counter that rises by one a second and starts anew at `kRestart`, just behind an hour, a gauge
// that goes up and down, and a series that ends; a sample a minute, 20 s behind the full one.
class Pitfalls : public ::testing::Test {
 protected:
  static constexpr Duration kRestart{hours(13) + seconds(10)};

  Pitfalls() : store_(kDay) {
    store_.options.retention_time = Duration{0};
    store_.options.sync_interval = hours(6);
    store_.Open();
    for (Duration at = seconds(20); at < hours(27); at = at + minutes(1)) {
      const double s = static_cast<double>(at.count()) / 1000;
      const double counter = at < kRestart ? s : s - 46'810;
      std::vector<std::pair<Labels, double>> row{{Name("c_total"), counter},
                                                 {Name("g"), std::fmod(s / 60, 7)}};
      if (at < hours(5) + minutes(2))
        row.emplace_back(Name("ends"), 1);
      else if (at < hours(5) + minutes(3))
        row.emplace_back(Name("ends"), StaleMarker());
      store_.Append(kDay + at, row);
      store_.scheduler.Advance(minutes(1));
    }
    EXPECT_TRUE(store_.db->Compact().ok());
    engine_ = std::make_unique<Engine>(EngineOptions(), *store_.db, store_.scheduler, metrics_);
  }
  static Labels Name(const char* name) { return Labels{{"__name__", name}}; }

  // Raw samples of the closed day go; their levels stay, the finer one if it is asked for.
  void Expire(Duration five_minutes) {
    storage::RetentionRules rules;
    rules.five_minutes = five_minutes;
    rules.one_hour = hours(24 * 100);
    store_.db->SetRetention(hours(1), 0);
    ASSERT_TRUE(store_.db->SetRetentionRules(rules).ok());
    store_.scheduler.Advance(minutes(30));
    ASSERT_GT((*store_.db->Select({}, kDay, kDay + hours(24), {}))->infos().size(), 0u);
  }

  std::map<int64_t, double> Ask(const std::string& text, Duration from, Duration to, Duration step,
                                Duration resolution = kAnyResolution) {
    QueryOptions options;
    options.max_source_resolution = resolution;
    const auto result = engine_->Range(text, kDay + from, kDay + to, step, options);
    EXPECT_TRUE(result.ok()) << text;
    std::map<int64_t, double> out;
    if (!result.ok()) return out;
    infos_ = result->infos.size();
    for (const auto& series : std::get<Matrix>(result->value.v))
      for (const auto& [t, v] : series.floats) out[(t - kDay).count() / 1000] = v;
    return out;
  }

  Store store_;
  MetricRegistry metrics_;
  std::unique_ptr<Engine> engine_;
  size_t infos_ = 0;
};

// Thanos 1115, 1808, 2737, 4526: a range as long as a window had one point, and no rate.
TEST_F(Pitfalls, ARateOverOneWindowIsThere) {
  Expire(hours(24 * 100));
  const auto rates = Ask("rate(c_total[5m])", hours(1), hours(12), kFive);
  EXPECT_EQ(rates.size(), 11u * 12 + 1);
  for (const auto& [t, v] : rates) EXPECT_NEAR(v, 1, 1e-9) << t;
  Expire(Duration{0});
  EXPECT_EQ(Ask("rate(c_total[1h])", hours(1), hours(12), kHour).size(), 12u);
}

// Thanos 1316, 3277: with windows of an hour and a lookback of five minutes graphs had gaps.
TEST_F(Pitfalls, NoGapsBetweenWindows) {
  Expire(Duration{0});
  for (const Duration shift : {Duration{0}, Duration{minutes(7)}, Duration{minutes(59)}}) {
    const auto values = Ask("g", hours(2) + shift, hours(20) + shift, minutes(10));
    EXPECT_EQ(values.size(), 18u * 6 + 1);
  }
  EXPECT_EQ(
      Ask("increase(c_total[6h])", hours(7) + minutes(13), hours(20) + minutes(13), kFive).size(),
      13u * 12 + 1);
}

// Thanos 2401, 1568: resets at the edge of windows were missed, or counted twice.
TEST_F(Pitfalls, AResetBetweenWindowsCountsOnce) {
  const auto sum = [&](Duration resolution) {
    double all = 0;
    for (const auto& [t, v] : Ask("increase(c_total[1h])", hours(1), hours(24), kHour, resolution))
      all += v;
    return all;
  };
  const double raw = sum(Duration{0});
  EXPECT_NEAR(raw, 24 * 3600, 100);
  const auto resets = Ask("resets(c_total[24h])", hours(24), hours(24), kHour);
  EXPECT_EQ(resets.at(24 * 3600), 1);
  EXPECT_NEAR(sum(kAnyResolution), raw, 1e-6);
  Expire(Duration{0});
  EXPECT_NEAR(sum(kAnyResolution), raw, 1e-6);
  EXPECT_EQ(Ask("resets(c_total[24h])", hours(24), hours(24), kHour).at(24 * 3600), 1);
}

// Thanos 7908: raw data went before its downsampled copy was there.
TEST_F(Pitfalls, RawSamplesWaitForTheirLevels) {
  // A late sample: the level of the day does not tell it before the next build, in an hour.
  store_.AppendColumn(Name("g"), {kDay + hours(3) + seconds(1)}, {1000});
  storage::RetentionRules rules;
  rules.five_minutes = rules.one_hour = hours(24 * 100);
  store_.db->SetRetention(hours(1), 0);
  ASSERT_TRUE(store_.db->SetRetentionRules(rules).ok());
  for (int i = 0; i < 150; ++i) {
    const auto max = Ask("max_over_time(g[1h])", hours(4), hours(4), kHour);
    ASSERT_EQ(max.at(4 * 3600), 1000) << i;
    store_.scheduler.Advance(minutes(1));
  }
  EXPECT_TRUE(store_.Read({}, kDay, kDay + hours(24) - Duration{1}).empty());  // they are gone now
}

// A dashboard that zooms takes another step; nobody should see other values for that.
TEST_F(Pitfalls, ZoomingChangesNoValue) {
  for (const char* text :
       {"avg_over_time(g[2h])", "rate(c_total[2h])", "max_over_time(g[2h])", "g"}) {
    const auto fine = Ask(text, hours(3), hours(20), minutes(1), Duration{0});
    for (const Duration step :
         {Duration{minutes(1)}, kFive, Duration{minutes(17)}, kHour, 2 * kHour})
      for (const auto& [t, v] : Ask(text, hours(3), hours(20), step))
        EXPECT_NEAR(v, fine.at(t), 1e-12 * std::fabs(v)) << text << " " << t;
  }
}

// OpenTSDB 577: a counter averaged into a bucket, dated at its start, gives another rate.
TEST_F(Pitfalls, RatesUseTrueTimes) {
  const auto raw = Ask("rate(c_total[1h])", hours(1), hours(24), kHour, Duration{0});
  Expire(Duration{0});
  const auto level = Ask("rate(c_total[1h])", hours(1), hours(24), kHour);
  ASSERT_EQ(raw.size(), level.size());
  for (const auto& [t, v] : raw) EXPECT_NEAR(level.at(t), v, 1e-12) << t;
}

// Averages of averages weigh windows alike that have more or fewer samples.
TEST_F(Pitfalls, MeansWeighSamples) {
  store_.AppendColumn(Name("few"), {kDay + minutes(1), kDay + minutes(61), kDay + minutes(62)},
                      {9, 0, 0});
  ASSERT_TRUE(store_.db->Compact().ok());
  Expire(Duration{0});
  EXPECT_EQ(Ask("avg_over_time(few[2h])", hours(2), hours(2), kHour).at(7200), 3);
}

// A series that ended is not shown until the lookback is over.
TEST_F(Pitfalls, WhatEndedHasEnded) {
  const auto raw = Ask("ends", hours(4), hours(7), kHour, Duration{0});
  EXPECT_EQ(raw.size(), 2u);
  EXPECT_EQ(Ask("ends", hours(4), hours(7), kHour), raw);
  Expire(Duration{0});
  EXPECT_EQ(Ask("ends", hours(4), hours(7), kHour), raw);
  EXPECT_GT(infos_, 0u);  // and that it is a level that tells so
}

}  // namespace
}  // namespace tocsin::query
