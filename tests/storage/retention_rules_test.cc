// Rules decide how long which series are kept, in samples and in levels; changing them loses
// nothing that is younger than its rule and keeps nothing that is older for more than a day.
#include <gtest/gtest.h>

#include <chrono>

#include "storage/retention_classes.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Timestamp kDay{1'700'006'400'000 / kDayMs * kDayMs};
constexpr Duration kDays{kDayMs};

Labels Named(const std::string& job) {
  return Labels{{"__name__", "m"}, {"instance", "i"}, {"job", job}};
}

RetentionRule Rule(const std::string& job, std::optional<Duration> raw,
                   std::optional<Duration> five = {}, std::optional<Duration> hour = {}) {
  RetentionRule rule;
  rule.selectors = {{*Matcher::Create(MatchOp::kRegex, "job", job)}};
  rule.raw = raw;
  rule.five_minutes = five;
  rule.one_hour = hour;
  return rule;
}

class Rules : public ::testing::Test {
 protected:
  Rules() : store(kDay) {
    store.options.retention_time = 2 * kDays;
    store.options.sync_interval = hours(1);  // or a timer a second makes days slow
    store.Open();
  }
  void Set(std::vector<RetentionRule> rules) {
    rules_.rules = std::move(rules);
    Again();
  }
  void Again() {
    const Status set = store.db->SetRetentionRules(rules_);
    ASSERT_TRUE(set.ok()) << set.error().message();
  }
  // A sample every ten minutes of each job.
  void Run(int days, const std::vector<std::string>& jobs) {
    for (int i = 0; i < days * 144; ++i) {
      std::vector<std::pair<Labels, double>> row;
      for (const std::string& job : jobs) row.emplace_back(Named(job), n_);
      store.Append(store.scheduler.Now(), row);
      ++n_;
      store.scheduler.Advance(minutes(10));
    }
  }
  // In days, how far back there are raw samples, and anything at all.
  double RawAge(const std::string& job) { return Age(job, false); }
  double Age(const std::string& job, bool levels = true) {
    const std::vector<Matcher> matchers{*Matcher::Create(MatchOp::kEqual, "job", job)};
    SelectHints hints;
    hints.levels = levels;
    auto set = store.db->Select(matchers, kMinTimestamp, kMaxTimestamp, hints);
    EXPECT_TRUE(set.ok());
    EXPECT_LE((*set)->size(), 1u);
    Timestamp oldest = store.scheduler.Now();
    auto reader = (*set)->NewReader();
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE(reader->Seek(i).ok());
      SampleBlock block;
      while (*reader->Next(&block)) {
        if (!block.times.empty()) oldest = std::min(oldest, block.times.front());
        if (!block.cells.empty()) oldest = std::min(oldest, block.cells.front().first_time);
      }
    }
    return static_cast<double>((store.scheduler.Now() - oldest).count()) / kDayMs;
  }

  Store store;
  RetentionRules rules_;
  int n_ = 0;
};

TEST_F(Rules, EachSeriesIsKeptAsItsRuleSays) {
  Set({Rule("long", 4 * kDays), Rule("levels", 1 * kDays, 2 * kDays, 3 * kDays),
       Rule("none", Duration{0}, Duration{0}, Duration{0}),
       Rule("aggregates", Duration{0}, Duration{0}, 3 * kDays), Rule("l.*", 1 * kDays)});
  const std::vector<std::string> jobs{"long", "levels", "none", "aggregates", "other", "last"};
  Run(6, jobs);
  const auto expect = [&](const char* job, double raw, double any) {
    EXPECT_GE(RawAge(job), raw - 0.01) << job;
    EXPECT_LE(RawAge(job), raw + 1.3) << job;
    EXPECT_GE(Age(job), any - 0.01) << job;
    EXPECT_LE(Age(job), any + 1.3) << job;
  };
  expect("long", 4, 4);
  expect("levels", 1, 3);
  expect("none", 0, 0);
  expect("aggregates", 0, 3);
  expect("other", 2, 2);
  expect("last", 1, 2);
  store.Crash();
  Again();
  expect("long", 4, 4);
  expect("levels", 1, 3);
  Run(1, jobs);
  expect("long", 4, 4);
  expect("levels", 1, 3);
  expect("other", 2, 2);
}

TEST_F(Rules, AChangedRuleGivesNewIdsAndLosesNothing) {
  Run(2, {"a", "b"});
  const SeriesModel before = store.ReadOne(Named("a"));
  Set({Rule("a", 4 * kDays)});
  EXPECT_EQ(store.ReadOne(Named("a")), before);
  Run(1, {"a", "b"});
  // One series, whole, though it has two ids.
  const SeriesModel after = store.ReadOne(Named("a"));
  EXPECT_EQ(after.size(), 3u * 144);
  EXPECT_EQ(store.Read().size(), 2u);
  store.Crash();
  Again();
  EXPECT_EQ(store.ReadOne(Named("a")), after);
  Run(3, {"a", "b"});
  EXPECT_GE(RawAge("a"), 4 - 0.01);
  EXPECT_LE(RawAge("a"), 5.3);
  // Shorter again: the files of the longer class go.
  Set({Rule("a", 1 * kDays)});
  Run(1, {"a", "b"});
  for (int i = 0; i < 6; ++i) store.scheduler.Advance(hours(1));
  EXPECT_LE(RawAge("a"), 2.6);
  EXPECT_GE(RawAge("b"), 2 - 0.01);
  Run(2, {"a", "b"});
  EXPECT_LE(RawAge("b"), 3.3);
}

TEST_F(Rules, TooManyCombinationsAreRefused) {
  std::vector<RetentionRule> rules;
  for (int i = 0; i < 256; ++i) rules.push_back(Rule("x", (i + 10) * kDays));
  rules_.rules = rules;
  const Status set = store.db->SetRetentionRules(rules_);
  ASSERT_FALSE(set.ok());
  EXPECT_NE(set.error().message().find("255"), std::string::npos);
  rules_.rules.resize(255);
  Again();
}

}  // namespace
}  // namespace tocsin::storage
