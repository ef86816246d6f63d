// Short-lived series leave memory once they are sealed and silent, and answer all the same.
#include <gtest/gtest.h>

#include <chrono>

#include "storage/key_schema.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Timestamp kDay{1'700'006'400'000 / kDayMs * kDayMs};
constexpr int kSeries = 12;

Labels Of(int instance, int series) {
  return Labels{{"__name__", "m" + std::to_string(series)},
                {"instance", "pod-" + std::to_string(instance)},
                {"job", "churn"}};
}

class Churn : public ::testing::Test {
 protected:
  Churn() : store(kDay) {
    store.options.retention_time = 3 * Duration{kDayMs};
    store.options.sync_interval = hours(1);  // or a timer a second makes days slow
    store.Open();
  }
  // An instance lives for an hour; three new ones come every hour. One is always there.
  void Run(int hours_more) {
    for (int h = 0; h < hours_more; ++h) {
      for (int m = 0; m < 60; m += 10) {
        for (int i = 0; i < 3; ++i) Scrape(next_ + i);
        Scrape(0);
        store.scheduler.Advance(minutes(10));
      }
      next_ += 3;
    }
  }
  void Scrape(int instance) {
    std::vector<std::pair<Labels, double>> row;
    const Timestamp now = store.scheduler.Now();
    for (int s = 0; s < kSeries; ++s) {
      const Labels labels = Of(instance, s);
      row.emplace_back(labels, instance * 100 + s);
      model_[labels.ToString()][now.ms] = BitsOf(instance * 100 + s);
    }
    store.Append(now, row);
  }
  std::vector<std::string> Instances(Timestamp from, Timestamp to,
                                     const std::vector<Matcher>& matchers = {}) {
    auto values = store.db->LabelValues("instance", matchers, from, to);
    EXPECT_TRUE(values.ok());
    return *values;
  }

  Store store;
  Model model_;
  int next_ = 1;
};

TEST_F(Churn, MemoryIsBoundedAndEverythingAnswers) {
  Run(30);
  // Those of the last hours (the log has to be spent too), not of thirty.
  const uint64_t hot = store.db->Stats().series;
  EXPECT_LT(hot, 16u * 3 * kSeries);
  EXPECT_EQ(store.Read(), model_);
  EXPECT_EQ(store.ReadOne(Of(2, 5)), model_[Of(2, 5).ToString()]);
  // Matchers of every kind on what has left.
  const std::vector<Matcher> regex{*Matcher::Create(MatchOp::kRegex, "instance", "pod-[12]"),
                                   *Matcher::Create(MatchOp::kNotEqual, "__name__", "m3")};
  EXPECT_EQ(store.Read(regex, kDay, kDay + hours(2)).size(), 2u * (kSeries - 1));
  const std::vector<Matcher> negative{
      *Matcher::Create(MatchOp::kNotRegex, "instance", "pod-0|pod-2"),
      *Matcher::Create(MatchOp::kEqual, "missing", ""),
      *Matcher::Create(MatchOp::kEqual, "__name__", "m0")};
  EXPECT_EQ(store.Read(negative, kDay, kDay + minutes(59)).size(), 2u);
  // Labels are limited to the range, by days at least.
  EXPECT_EQ(Instances(kDay, kDay + hours(30)).size(), 91u);
  EXPECT_EQ(Instances(kDay + hours(48), kDay + hours(49)).size(), 0u);
  EXPECT_LT(Instances(kDay + hours(29), kDay + hours(31)).size(), 60u);
  EXPECT_EQ(Instances(kDay, kDay + hours(2), regex).size(), 2u);

  store.Crash();
  EXPECT_LT(store.db->Stats().series, 16u * 3 * kSeries);
  EXPECT_EQ(store.Read(), model_);
  EXPECT_EQ(Instances(kDay, kDay + hours(30)).size(), 91u);
  Run(3);
  EXPECT_EQ(store.Read(), model_);
}

TEST_F(Churn, OneThatComesBackIsOneSeries) {
  Run(12);
  for (int i = 0; i < 3; ++i) {
    Scrape(1);
    store.scheduler.Advance(minutes(10));
  }
  EXPECT_EQ(store.Read(), model_);
  Run(8);
  EXPECT_EQ(store.Read(), model_);  // it has left again, under another id
  store.Crash();
  EXPECT_EQ(store.Read(), model_);
  // Late samples of one that has left, and samples deleted of another.
  store.AppendColumn(Of(4, 0), {kDay + hours(1) + Duration{1}}, {7});
  model_[Of(4, 0).ToString()][(kDay + hours(1)).ms + 1] = BitsOf(7);
  const std::vector<Matcher> two{*Matcher::Create(MatchOp::kEqual, "instance", "pod-2")};
  ASSERT_TRUE(store.db->DeleteSeries(two, kDay, kDay + hours(24)).ok());
  for (int s = 0; s < kSeries; ++s) model_.erase(Of(2, s).ToString());
  EXPECT_EQ(store.Read(), model_);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read(), model_);
}

// The one that left has the lower id: of two samples of one time the one that came first stays.
TEST_F(Churn, WhatComesBackGetsAHigherId) {
  // pod-0 stays, and with it the group that it shares with the first series of others.
  constexpr int kMany = 80;
  std::vector<std::pair<Labels, double>> row;
  for (int s = 0; s < kMany; ++s) row.emplace_back(Of(1, s), s);
  Scrape(0);
  store.Append(kDay, row);
  for (int i = 0; i < 40; ++i) {
    store.scheduler.Advance(minutes(10));
    Scrape(0);
  }
  ASSERT_LT(store.db->Stats().series, uint64_t{kMany});
  // Other values of the same time, after they left memory, and after a start.
  const auto come_back = [&](double value) {
    for (int s = 0; s < kMany; ++s) store.AppendColumn(Of(1, s), {kDay}, {value});
    EXPECT_TRUE(store.db->Compact().ok());
    for (int s = 0; s < kMany; ++s)
      EXPECT_EQ(store.ReadOne(Of(1, s)).at(kDay.ms), BitsOf(s)) << s << " of " << value;
  };
  come_back(1000);
  for (int i = 0; i < 40; ++i) {
    store.scheduler.Advance(minutes(10));
    Scrape(0);
  }
  store.Crash();
  come_back(2000);
}

TEST_F(Churn, WhatRetentionTookIsForgotten) {
  Run(30);
  store.scheduler.Advance(hours(1));
  for (int d = 0; d < 5 * 24; ++d) {
    Scrape(0);
    store.scheduler.Advance(hours(1));
  }
  // pod-0, and those that share a group with its first series: a group stays or goes as a whole.
  EXPECT_LE(Instances(kMinTimestamp, kMaxTimestamp).size(), 10u);
  EXPECT_LT(store.db->Stats().series, kSeries + kGroupSlots);
  EXPECT_EQ(store.Read().size(), size_t{kSeries});
  store.Crash();
  EXPECT_LE(Instances(kMinTimestamp, kMaxTimestamp).size(), 10u);
  EXPECT_EQ(store.Read().size(), size_t{kSeries});
  // New numbers all the same.
  Run(1);
  EXPECT_LE(Instances(kMinTimestamp, kMaxTimestamp).size(), 13u);
  EXPECT_EQ(store.Read().size(), 4u * kSeries);
}

}  // namespace
}  // namespace tocsin::storage
