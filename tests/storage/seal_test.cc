// Sealing: data goes to files, the log goes away, and nothing changes for who asks.
#include <gtest/gtest.h>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'006'400'000;  // a multiple of two hours
constexpr Duration kStep{15'000};

std::vector<std::pair<Labels, double>> Scrape(int series, int i) {
  std::vector<std::pair<Labels, double>> row;
  for (int s = 0; s < series; ++s)
    row.emplace_back(Labels{{"__name__", "m" + std::to_string(s)}, {"job", "j"}, {"instance", "i"}},
                     s % 3 == 0 ? 1.0 : i * s);
  return row;
}

class Seal : public ::testing::Test {
 protected:
  Seal() : store(Timestamp{kNow}) { store.Open(); }

  // Scrapes `count` times, a step of virtual time apart.
  void Run(int count, int series = 100) {
    for (int i = 0; i < count; ++i) {
      store.Append(store.scheduler.Now(), Scrape(series, n_++), &hint_);
      store.scheduler.Advance(kStep);
    }
  }
  double Metric(const char* name) { return store.metrics.GetCounter(name, "").Value(); }

  Store store;
  RowHint hint_;
  int n_ = 0;
};

TEST_F(Seal, CompactKeepsEverySample) {
  Run(300);
  const Model before = store.Read();
  ASSERT_EQ(before.size(), 100u);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.db->Stats().min_time, kMaxTimestamp);  // nothing is open
  EXPECT_EQ(store.Read(), before);
  store.Crash();
  EXPECT_EQ(store.Read(), before);
  store.Reopen();
  EXPECT_EQ(store.Read(), before);
}

TEST_F(Seal, DataGoesOnAfterASeal) {
  Run(100);
  ASSERT_TRUE(store.db->Compact().ok());
  Run(100);
  const Model before = store.Read();
  EXPECT_EQ(before.begin()->second.size(), 200u);
  store.Crash();
  EXPECT_EQ(store.Read(), before);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read(), before);
}

TEST_F(Seal, WindowsAreSealedAsDataPassesThem) {
  Run(4 * 60 * 2 + 120, 20);  // two hours and a half
  EXPECT_GE(Metric("prometheus_tsdb_compactions_total"), 1);
  EXPECT_EQ(store.db->Stats().min_time.ms, kNow + 2 * 3600 * 1000);
  const Model before = store.Read();
  EXPECT_EQ(before.begin()->second.size(), 600u);
  store.Crash();
  EXPECT_EQ(store.Read(), before);
  EXPECT_EQ(store.db->Stats().min_time.ms, kNow + 2 * 3600 * 1000);
}

TEST_F(Seal, SilentSeriesAreSealed) {
  Run(10);
  store.scheduler.Advance(Duration{16 * 60 * 1000});
  EXPECT_EQ(store.db->Stats().min_time, kMaxTimestamp);
  EXPECT_EQ(store.Read().size(), 100u);
}

TEST_F(Seal, AReadViewOutlivesTheSeal) {
  Run(50);
  const Model before = store.Read();
  auto set = store.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
  ASSERT_TRUE(set.ok());
  ASSERT_TRUE(store.db->Compact().ok());
  auto reader = (*set)->NewReader();
  for (size_t i = 0; i < (*set)->size(); ++i) {
    ASSERT_TRUE(reader->Seek(i).ok());
    size_t n = 0;
    SampleBlock block;
    while (*reader->Next(&block)) n += block.size();
    EXPECT_EQ(n, 50u);
  }
  set = store.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
  reader = nullptr;
  store.scheduler.Advance(Duration{60'000});
  EXPECT_EQ(store.Read(), before);
}

TEST_F(Seal, LateSamplesBecomeFilesToo) {
  Run(20, 10);
  ASSERT_TRUE(store.db->Compact().ok());
  const Labels one{{"__name__", "m1"}, {"job", "j"}, {"instance", "i"}};
  SeriesModel expected = store.ReadOne(one);
  // Behind the sealed ones, between them, and at their times (where the first one stays).
  for (const int64_t t : {kNow - 3'600'000, kNow + 7'000, kNow + 1, kNow + 15'000}) {
    EXPECT_EQ(store.AppendColumn(one, {Timestamp{t}}, {77}).appended, 1u);
    expected.try_emplace(t, BitsOf(77));
  }
  EXPECT_EQ(store.ReadOne(one), expected);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.ReadOne(one), expected);
  store.Crash();
  EXPECT_EQ(store.ReadOne(one), expected);
}

TEST_F(Seal, FilesOfManyDaysInOnePass) {
  const Labels one{{"__name__", "backfill"}};
  SeriesModel expected;
  std::vector<Timestamp> ts;
  std::vector<double> values;
  for (int i = 0; i < 5000; ++i) {
    ts.push_back({kNow - int64_t{i} * 1'800'000});
    values.push_back(i);
    expected[ts.back().ms] = BitsOf(i);
  }
  store.AppendColumn(one, ts, values);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.ReadOne(one), expected);
  store.Crash();
  EXPECT_EQ(store.ReadOne(one), expected);
}

TEST_F(Seal, CloseLeavesNothingToReplay) {
  Run(30);
  const Model before = store.Read();
  store.Reopen();
  EXPECT_EQ(store.db->Stats().min_time, kMaxTimestamp);
  EXPECT_EQ(store.Read(), before);
}

}  // namespace
}  // namespace tocsin::storage
