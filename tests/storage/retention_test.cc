#include "storage/retention.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Timestamp kNow{1'700'000'000'000};
const Labels kOld{{"__name__", "old"}};
const Labels kNew{{"__name__", "new"}};

double Metric(Store& store, const char* name) { return store.metrics.GetCounter(name, "").Value(); }

// A sample a minute over the hours before `end`.
void Fill(Store& store, const Labels& labels, Timestamp end, int of_hours) {
  std::vector<Timestamp> ts;
  std::vector<double> values;
  for (int m = of_hours * 60; m > 0; --m) {
    ts.push_back(end - minutes(m));
    values.push_back(m);
  }
  store.AppendColumn(labels, ts, values);
}

TEST(Retention, DropsFilesOlderThanTheNewestSampleMinusTheTime) {
  Store store(kNow);
  store.options.retention_time = hours(24);
  store.Open();
  Fill(store, kOld, kNow - hours(72), 3);
  Fill(store, kNew, kNow, 3);
  ASSERT_TRUE(store.db->Compact().ok());
  ASSERT_EQ(store.Read().size(), 2u);
  store.scheduler.Advance(minutes(11));
  EXPECT_EQ(store.Read().size(), 1u);
  EXPECT_EQ(store.ReadOne(kNew).size(), 180u);
  EXPECT_EQ(Metric(store, "prometheus_tsdb_time_retentions_total"), 1);
  // What is behind the edge is not taken any more, and stays gone.
  EXPECT_EQ(store.AppendColumn(kOld, {kNow - hours(73)}, {1}).out_of_bounds, 1u);
  store.Crash();
  EXPECT_EQ(store.Read().size(), 1u);
  EXPECT_EQ(store.AppendColumn(kOld, {kNow - hours(73)}, {1}).out_of_bounds, 1u);
}

TEST(Retention, AStoreWithOnlyOldDataKeepsIt) {
  Store store(kNow);
  store.options.retention_time = hours(24);
  store.Open();
  Fill(store, kOld, Timestamp{hours(5) / std::chrono::milliseconds(1)}, 3);
  ASSERT_TRUE(store.db->Compact().ok());
  store.scheduler.Advance(hours(30));
  EXPECT_EQ(store.ReadOne(kOld).size(), 180u);
}

TEST(Retention, ZeroKeepsForEver) {
  Store store(kNow);
  store.options.retention_time = Duration{0};
  store.Open();
  Fill(store, kOld, kNow - hours(24 * 4000), 1);
  Fill(store, kNew, kNow, 1);
  ASSERT_TRUE(store.db->Compact().ok());
  store.scheduler.Advance(hours(1));
  EXPECT_EQ(store.Read().size(), 2u);
}

TEST(Retention, AWrongClockDeletesNothingForAnHour) {
  Store store(kNow);
  store.options.retention_time = hours(24);
  store.Open();
  store.scheduler.Advance(minutes(1));
  store.scheduler.JumpWall(hours(24 * 365 * 14));
  Fill(store, kOld, kNow, 1);
  store.AppendColumn(kNew, {kNow + hours(24 * 365 * 14)}, {1});
  ASSERT_TRUE(store.db->Compact().ok());
  store.scheduler.Advance(minutes(50));
  EXPECT_EQ(store.ReadOne(kOld).size(), 60u);
  store.scheduler.Advance(minutes(30));
  EXPECT_EQ(store.ReadOne(kOld).size(), 0u);  // it stood for an hour: believed
}

KeepOfClass Raw(Duration time) {
  return [time](uint8_t) {
    return KeepTimes{time, Duration{0}, Duration{0}};
  };
}

TEST(Retention, OneDayATime) {
  Directory directory;
  for (uint16_t day = 10; day < 20; ++day) {
    auto file = std::make_shared<SealedFile>();
    file->id.day = day;
    file->header.covers.Append(day);
    file->header.min_time = DayStart(day);
    file->header.max_time = DayStart(day) + hours(23);
    file->header.bytes = 100;
    directory.files.push_back(file);
  }
  const RetentionPlan plan = PlanByTime(directory, DayStart(19), Raw(hours(48)));
  ASSERT_EQ(plan.drop.size(), 1u);
  EXPECT_EQ(plan.drop[0]->id.day, 10);
  EXPECT_EQ(plan.edges, (Edges{{{0, 0}, DayStart(10) + hours(23) + Duration{1}}}));
  EXPECT_TRUE(PlanByTime(directory, DayStart(10), Raw(hours(48))).drop.empty());
  EXPECT_TRUE(PlanByTime(directory, DayStart(19), Raw(kKeepForever)).drop.empty());
  EXPECT_EQ(PlanBySize(directory, 150).drop.size(), 2u);
  EXPECT_EQ(PlanBySize(directory, 1'000'000).drop.size(), 9u);  // the newest day stays
  EXPECT_TRUE(PlanBySize(directory, 0).drop.empty());
}

TEST(Retention, BySizeTheOldestDaysGo) {
  Store store(kNow);
  store.Open();
  for (int day = 1; day <= 3; ++day) Fill(store, kOld, kNow - hours(24 * day), 2);
  Fill(store, kNew, kNow, 1);
  ASSERT_TRUE(store.db->Compact().ok());
  store.db->SetRetention(Duration{0}, 1);
  store.scheduler.Advance(minutes(11));
  EXPECT_EQ(store.ReadOne(kOld).size(), 0u);
  EXPECT_EQ(store.ReadOne(kNew).size(), 60u);
  EXPECT_EQ(Metric(store, "prometheus_tsdb_size_retentions_total"), 1);
}

TEST(Retention, DeadGroupsAreCollected) {
  Store store(kNow);
  store.options.retention_time = hours(24);
  store.Open();
  RowHint old_hint;
  std::vector<std::pair<Labels, double>> row;
  for (int i = 0; i < 200; ++i)
    row.emplace_back(
        Labels{{"__name__", "m" + std::to_string(i)}, {"job", "gone"}, {"instance", "x"}}, i);
  for (int m = 60; m > 0; --m) store.Append(kNow - hours(72) - minutes(m), row, &old_hint);
  // The same series again, through a hint that knows them by their old ids.
  auto appender = store.db->NewAppender();
  const SeriesRef old_ref = *appender->Resolve(row[150].first);
  appender.reset();
  Fill(store, kNew, kNow, 1);
  EXPECT_EQ(store.db->Stats().series, 201u);
  ASSERT_TRUE(store.db->Compact().ok());
  for (int h = 0; h < 6; ++h) {
    store.scheduler.Advance(hours(1));
    Fill(store, kNew, store.scheduler.Now(), 1);
    ASSERT_TRUE(store.db->Compact().ok());
  }
  // The first seven share a group with the one that lives.
  EXPECT_EQ(store.db->Stats().series, 8u);
  EXPECT_EQ(store.Read().size(), 1u);
  appender = store.db->NewAppender();
  const std::vector<SeriesRef> refs{old_ref};
  const std::vector<double> values{1};
  EXPECT_EQ(appender->AppendRow(old_hint, store.scheduler.Now(), refs, values).stale_refs, 1u);
  EXPECT_NE(*appender->Resolve(row[150].first), old_ref);
  appender.reset();
  store.Append(store.scheduler.Now(), row, &old_hint);
  EXPECT_EQ(store.Read().size(), 201u);
  store.Crash();
  EXPECT_EQ(store.Read().size(), 201u);
}

}  // namespace
}  // namespace tocsin::storage
