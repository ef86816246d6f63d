#include "storage/guarded_clock.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tocsin::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Timestamp kStart{1'700'000'000'000};

MonotonicTime Mono(std::chrono::nanoseconds d) { return {d}; }

TEST(GuardedClock, FollowsTheWallClock) {
  GuardedClock clock(std::nullopt);
  EXPECT_EQ(clock.Tick(kStart, Mono(hours(5))), kStart);
  EXPECT_EQ(clock.Tick(kStart + minutes(10), Mono(hours(5) + minutes(10))), kStart + minutes(10));
  EXPECT_FALSE(clock.doubts());
}

TEST(GuardedClock, StepsBackAtOnce) {
  GuardedClock clock(std::nullopt);
  clock.Tick(kStart, Mono(minutes(0)));
  EXPECT_EQ(clock.Tick(kStart - hours(100), Mono(minutes(1))), kStart - hours(100));
}

TEST(GuardedClock, AJumpMustStandForAnHour) {
  GuardedClock clock(std::nullopt);
  clock.Tick(kStart, Mono(minutes(0)));
  const Timestamp future = kStart + hours(24 * 365 * 14);
  for (int m = 10; m < 70; m += 10) {
    EXPECT_EQ(clock.Tick(future + minutes(m), Mono(minutes(m))), kStart + minutes(m)) << m;
    EXPECT_TRUE(clock.doubts());
  }
  EXPECT_EQ(clock.Tick(future + minutes(70), Mono(minutes(70))), future + minutes(70));
  EXPECT_FALSE(clock.doubts());
}

TEST(GuardedClock, AJumpThatGoesBackNeverCounted) {
  GuardedClock clock(std::nullopt);
  clock.Tick(kStart, Mono(minutes(0)));
  for (int m = 10; m <= 50; m += 10) clock.Tick(kStart + hours(999) + minutes(m), Mono(minutes(m)));
  EXPECT_EQ(clock.Tick(kStart + minutes(60), Mono(minutes(60))), kStart + minutes(60));
  EXPECT_FALSE(clock.doubts());
}

TEST(GuardedClock, AWildClockIsNeverBelieved) {
  GuardedClock clock(std::nullopt);
  clock.Tick(kStart, Mono(minutes(0)));
  for (int m = 10; m <= 600; m += 10)
    EXPECT_EQ(clock.Tick(kStart + hours(1000 * m), Mono(minutes(m))), kStart + minutes(m));
}

TEST(GuardedClock, RemembersAcrossAStop) {
  GuardedClock clock(kStart);
  const Timestamp later = kStart + hours(24 * 21);
  EXPECT_EQ(clock.Tick(later, Mono(minutes(0))), kStart);
  EXPECT_EQ(clock.Tick(later + minutes(61), Mono(minutes(61))), later + minutes(61));
}

}  // namespace
}  // namespace tocsin::storage
