// Levels of closed days against raw samples: built when a day closes, corrected by late samples,
// chosen only where they are complete.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "storage/codec/histogram_codec.h"
#include "storage/level_writer.h"
#include "tests/storage/levels_fixture.h"

namespace tocsin::storage {
namespace {

TEST_F(Levels, AreBuiltWhenADayClosesAndTellTheSame) {
  Fill(1);
  store.scheduler.Advance(minutes(10));
  const Timestamp to = kDay + hours(48);
  ExpectLevels(kFive, kDay, to);
  ExpectLevels(kHour, kDay, to);
  store.Crash();
  ExpectLevels(kFive, kDay, to);
  // Raw unless asked.
  EXPECT_TRUE(Read(Duration{0}).regions.empty());
  EXPECT_TRUE(Read(kHour, /*levels=*/false).regions.empty());
}

TEST_F(Levels, LateSamplesAreInThemAfterTheNextBuild) {
  Fill(3);
  store.scheduler.Advance(minutes(10));
  const Timestamp to = kDay + hours(48);
  // Not sealed yet: the day is read raw.
  store.AppendColumn(Named("g"), {kDay + seconds(61), kDay + hours(3) + seconds(1)}, {1, 2});
  EXPECT_EQ(Read(kFive).regions.front().from, kDay + hours(24));
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay, to);
  ExpectLevels(kHour, kDay, to);
  // A new series of the past.
  store.AppendColumn(Named("late"), {kDay + seconds(5), kDay + hours(30)}, {1, 2});
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay, to);
  store.Crash();
  ExpectLevels(kHour, kDay, to);
}

TEST_F(Levels, LateSamplesOfATickRewriteOnlyTheirGroups) {
  Fill(4);
  store.scheduler.Advance(minutes(10));
  for (int i = 0; i < 100; ++i)
    store.AppendColumn(Named("many_" + std::to_string(i)), {kDay + seconds(i)}, {1.0 * i});
  store.scheduler.Advance(hours(2));
  const Timestamp to = kDay + hours(48);
  ExpectLevels(kFive, kDay, to);
}

TEST_F(Levels, DeletedSamplesLeaveThem) {
  Fill(5);
  store.scheduler.Advance(minutes(10));
  const std::vector<Matcher> some{*Matcher::Create(MatchOp::kRegex, "__name__", "g|c_total")};
  ASSERT_TRUE(store.db->DeleteSeries(some, kDay + hours(2) + seconds(30), kDay + hours(5)).ok());
  // Raw at once.
  EXPECT_EQ(Read(kFive).regions.front().from, kDay + hours(24));
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay, kDay + hours(48));
  const std::vector<Matcher> all{*Matcher::Create(MatchOp::kRegex, "__name__", ".+")};
  ASSERT_TRUE(store.db->DeleteSeries(all, kDay, kDay + hours(24)).ok());
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay + hours(24), kDay + hours(48));
}

TEST_F(Levels, OnlyCellsWhoseWindowMeetsTheRange) {
  Fill(6);
  store.scheduler.Advance(minutes(10));
  const auto answer = Read(kHour, true, kDay + hours(1) + Duration{1}, kDay + hours(3));
  const Cells& cells = answer.cells.at(Named("g").ToString());
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].end, kDay + hours(2));
  EXPECT_EQ(cells[1].end, kDay + hours(3));
}

TEST_F(Levels, HistogramsAreThinnedOutBetweenResets) {
  std::vector<TimedHistogram> samples;
  std::mt19937 random(1);
  double count = 0;
  store.scheduler.Advance(hours(9));
  for (int i = 0; i < 2000; ++i) {
    auto h = std::make_shared<Histogram>();
    h->integer = true;
    h->schema = 0;
    count = random() % 300 == 0 ? 1 : count + random() % 5;
    h->count = h->sum = count;
    h->positive_spans = {{0, 1}};
    h->positive_buckets = {count};
    samples.push_back({kDay + i * seconds(15), h});
    auto appender = store.db->NewAppender();
    auto ref = appender->Resolve(Named("h"));
    ASSERT_TRUE(ref.ok());
    ASSERT_TRUE(appender->AppendHistogram(*ref, samples.back().t, *h).ok());
    Store::Commit(*appender);
  }
  const ThinnedHistograms thin = Thin(samples, kFive);
  EXPECT_LT(thin.samples.size(), samples.size() / 5);
  std::map<int64_t, uint64_t> weights;
  for (size_t i = 0; i < thin.samples.size(); ++i)
    weights[WindowEnd(thin.samples[i].t, kFive).ms] += thin.weights[i];
  std::map<int64_t, uint64_t> counts;
  for (const TimedHistogram& sample : samples) ++counts[WindowEnd(sample.t, kFive).ms];
  EXPECT_EQ(weights, counts);
  // Every fall of the counts is between two that stayed.
  for (size_t i = 1; i < samples.size(); ++i) {
    if (samples[i].value->count >= samples[i - 1].value->count) continue;
    const auto kept = std::find_if(thin.samples.begin(), thin.samples.end(),
                                   [&](const auto& one) { return one.t == samples[i].t; });
    ASSERT_NE(kept, thin.samples.end());
    EXPECT_EQ(std::prev(kept)->t, samples[i - 1].t);
  }
  store.scheduler.Advance(hours(40));
  ASSERT_TRUE(store.db->Compact().ok());
  const Answer answer = Read(kFive);
  ASSERT_EQ(answer.regions.size(), 1u);
  const SeriesModel& read = answer.raw.at(Named("h").ToString());
  EXPECT_EQ(read.size(), thin.samples.size());
  for (const TimedHistogram& sample : thin.samples)
    EXPECT_EQ(read.at(sample.t.ms), BitsOf(sample.value->count));
}

}  // namespace
}  // namespace tocsin::storage
