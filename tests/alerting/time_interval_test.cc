#include "alerting/time_interval.h"

#include <gtest/gtest.h>

#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

TimeInterval Read(const std::string& blocks) {
  const auto node = ParseYaml("name: w\ntime_intervals:\n" + blocks, "t.yml");
  EXPECT_TRUE(node.ok()) << (node.ok() ? "" : node.error().message());
  auto interval = ParseTimeInterval(*node);
  EXPECT_TRUE(interval.ok()) << (interval.ok() ? "" : interval.error().message());
  return interval.ok() ? *interval : TimeInterval{};
}

bool At(const TimeInterval& interval, const char* time) {
  return interval.Contains(*ParseRfc3339(time));
}

TEST(TimeInterval, WorkingHoursInBerlinThroughBothClockChanges) {
  const TimeInterval w = Read(
      "- {weekdays: ['monday:friday'], times: [{start_time: '08:00', end_time: '18:00'}], "
      "location: Europe/Berlin}\n");
  // Winter: UTC+1.
  EXPECT_FALSE(At(w, "2026-03-27T06:59:59Z"));
  EXPECT_TRUE(At(w, "2026-03-27T07:00:00Z"));
  EXPECT_TRUE(At(w, "2026-03-27T16:59:59Z"));
  EXPECT_FALSE(At(w, "2026-03-27T17:00:00Z"));
  EXPECT_FALSE(At(w, "2026-03-28T10:00:00Z"));  // saturday
  EXPECT_FALSE(At(w, "2026-03-29T10:00:00Z"));  // sunday, the change
  // Summer: UTC+2.
  EXPECT_FALSE(At(w, "2026-03-30T05:59:59Z"));
  EXPECT_TRUE(At(w, "2026-03-30T06:00:00Z"));
  EXPECT_FALSE(At(w, "2026-03-30T16:00:00Z"));
  // Back to winter on 25 October.
  EXPECT_TRUE(At(w, "2026-10-23T06:00:00Z"));
  EXPECT_FALSE(At(w, "2026-10-26T06:00:00Z"));
  EXPECT_TRUE(At(w, "2026-10-26T07:00:00Z"));
}

TEST(TimeInterval, HourThatHappensTwiceHoldsTwice) {
  const TimeInterval w =
      Read("- {times: [{start_time: '02:00', end_time: '03:00'}], location: Europe/Berlin}\n");
  EXPECT_TRUE(At(w, "2026-10-25T00:30:00Z"));
  EXPECT_TRUE(At(w, "2026-10-25T01:30:00Z"));
  EXPECT_FALSE(At(w, "2026-10-25T02:30:00Z"));
  // In spring the hour does not exist.
  EXPECT_FALSE(At(w, "2026-03-29T00:30:00Z"));
  EXPECT_FALSE(At(w, "2026-03-29T01:30:00Z"));
}

TEST(TimeInterval, DaysOfMonthCountFromBothEnds) {
  const TimeInterval last = Read("- {days_of_month: ['-1']}\n");
  EXPECT_TRUE(At(last, "2026-02-28T12:00:00Z"));
  EXPECT_FALSE(At(last, "2028-02-28T12:00:00Z"));  // leap year
  EXPECT_TRUE(At(last, "2028-02-29T12:00:00Z"));
  const TimeInterval middle = Read("- {days_of_month: ['5:-5']}\n");
  EXPECT_FALSE(At(middle, "2026-02-04T12:00:00Z"));
  EXPECT_TRUE(At(middle, "2026-02-05T12:00:00Z"));
  EXPECT_TRUE(At(middle, "2026-02-24T12:00:00Z"));
  EXPECT_FALSE(At(middle, "2026-02-25T12:00:00Z"));
  const TimeInterval late = Read("- {days_of_month: ['31']}\n");  // after some months' ends
  EXPECT_FALSE(At(late, "2026-02-28T12:00:00Z"));
  EXPECT_TRUE(At(late, "2026-03-31T12:00:00Z"));
  const TimeInterval clamped = Read("- {days_of_month: ['28:31']}\n");
  EXPECT_TRUE(At(clamped, "2026-02-28T12:00:00Z"));
  const TimeInterval whole = Read("- {days_of_month: ['-31:-1']}\n");
  EXPECT_TRUE(At(whole, "2026-02-01T12:00:00Z"));
}

TEST(TimeInterval, MonthsYearsAndNamesInAnyCase) {
  const TimeInterval w = Read("- {months: ['JANUARY:march', '12'], years: ['2026:2027']}\n");
  EXPECT_TRUE(At(w, "2026-03-31T23:59:59Z"));
  EXPECT_FALSE(At(w, "2026-04-01T00:00:00Z"));
  EXPECT_TRUE(At(w, "2027-12-01T00:00:00Z"));
  EXPECT_FALSE(At(w, "2028-01-01T00:00:00Z"));
}

TEST(TimeInterval, SundayIsTheFirstDay) {
  const TimeInterval w = Read("- {weekdays: ['sunday:monday']}\n");
  EXPECT_TRUE(At(w, "2026-11-22T12:00:00Z"));
  EXPECT_TRUE(At(w, "2026-11-23T12:00:00Z"));
  EXPECT_FALSE(At(w, "2026-11-24T12:00:00Z"));
  EXPECT_FALSE(At(w, "2026-11-21T12:00:00Z"));
}

TEST(TimeInterval, AnyBlockHoldsEveryFieldMust) {
  const TimeInterval w = Read("- {weekdays: [monday]}\n- {months: ['7']}\n");
  EXPECT_TRUE(At(w, "2026-11-23T12:00:00Z"));  // a monday
  EXPECT_TRUE(At(w, "2026-07-01T12:00:00Z"));  // july
  EXPECT_FALSE(At(w, "2026-11-24T12:00:00Z"));
  const TimeInterval day = Read("- {times: [{start_time: '00:00', end_time: '24:00'}]}\n");
  EXPECT_TRUE(At(day, "2026-07-01T23:59:59Z"));
}

TEST(TimeInterval, EmptyListNeverHolds) {
  EXPECT_FALSE(At(Read("- {times: []}\n"), "2026-07-01T12:00:00Z"));
  EXPECT_FALSE(At(Read("- {weekdays: [], months: ['7']}\n"), "2026-07-01T12:00:00Z"));
  EXPECT_TRUE(At(Read("- {times: , months: ['7']}\n"), "2026-07-01T12:00:00Z"));
}

TEST(TimeInterval, DaysThatAreEmptyInEveryMonthAreRefused) {
  const auto refused = [](const std::string& days) {
    const auto node =
        ParseYaml("name: w\ntime_intervals: [{days_of_month: ['" + days + "']}]\n", "t.yml");
    return !ParseTimeInterval(*node).ok();
  };
  EXPECT_TRUE(refused("25:-20"));
  EXPECT_TRUE(refused("-5:-10"));
  EXPECT_TRUE(refused("-5:3"));
  EXPECT_TRUE(refused("10:5"));
  EXPECT_FALSE(refused("28:-1"));
  EXPECT_FALSE(refused("10:-15"));
  EXPECT_FALSE(refused("-31:-1"));
}

}  // namespace
}  // namespace tocsin::alerting
