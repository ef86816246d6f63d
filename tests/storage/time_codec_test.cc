#include "storage/codec/time_codec.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/storage/codec_samples.h"

namespace tocsin::storage {
namespace {

using testing::Engine;
using testing::Hex;

std::string Encoded(const std::vector<Timestamp>& times) {
  std::string out;
  EncodeTimes(times, out);
  return out;
}

void ExpectRoundTrip(const std::vector<Timestamp>& times) {
  const std::string column = Encoded(times) + "tail";
  ByteReader in(column);
  std::vector<Timestamp> out(times.size());
  ASSERT_TRUE(DecodeTimes(in, out).ok());
  EXPECT_EQ(out, times);
  EXPECT_EQ(in.rest(), "tail");
}

TEST(TimeCodec, RegularColumnsTakeAFewBytes) {
  Engine rng(1);
  for (const size_t n : {1, 2, 63, 64, 65, 480, 1024}) ExpectRoundTrip(testing::Times(rng, n, 0));
  EXPECT_LE(Encoded(testing::Times(rng, 1024, 0)).size(), 10u);
}

TEST(TimeCodec, JitterCostsItsOwnBitsOnly) {
  Engine rng(2);
  const auto times = testing::Times(rng, 480, 2);
  ExpectRoundTrip(times);
  EXPECT_LE(Encoded(times).size(), 480 * 3 / 8 + 30u);
}

TEST(TimeCodec, MissedScrapesShiftTheGrid) {
  Engine rng(3);
  auto times = testing::Times(rng, 480, 2);
  times.erase(times.begin() + 100, times.begin() + 140);
  times.erase(times.begin() + 300);
  ExpectRoundTrip(times);
  EXPECT_LE(Encoded(times).size(), 480 * 3 / 8 + 50u);
}

TEST(TimeCodec, AnyAscendingTimesRoundTrip) {
  Engine rng(4);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Timestamp> times(1 + rng() % 200);
    const unsigned shift = rng() % 64;
    for (auto& t : times) t.ms = static_cast<int64_t>(rng()) >> shift;
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(times)) << round;
  }
  ExpectRoundTrip({kMinTimestamp, kMaxTimestamp});
  ExpectRoundTrip({kMinTimestamp, {0}, kMaxTimestamp});
}

TEST(TimeCodec, GoldenBytes) {
  EXPECT_EQ(Hex(Encoded({{1000}})), "d00f0000");
  EXPECT_EQ(Hex(Encoded({{1000}, {2000}, {3000}})), "d00fd00f00");
  // Jitter and three missed scrapes.
  EXPECT_EQ(Hex(Encoded({{1000}, {2000}, {3001}, {3999}, {5000}, {8000}, {9000}})),
            "d00fd00f018201600005e807");
}

TEST(TimeCodec, DamageIsRefusedOrAscends) {
  Engine rng(5);
  for (int round = 0; round < 5000; ++round) {
    auto times = testing::Times(rng, 1 + rng() % 150, static_cast<int64_t>(rng() % 10));
    std::string column = Encoded(times);
    if (round % 2 == 0) {
      column.resize(rng() % column.size());
    } else {
      column[rng() % column.size()] = static_cast<char>(rng());
    }
    ByteReader in(column);
    std::vector<Timestamp> out(times.size());
    if (DecodeTimes(in, out).ok()) {
      ASSERT_NE(round % 2, 0) << "a truncated column";
      ASSERT_TRUE(std::is_sorted(out.begin(), out.end()));
    }
  }
}

}  // namespace
}  // namespace tocsin::storage
