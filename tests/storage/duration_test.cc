#include "storage/model/duration.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Duration, ParsesAndPrints) {
  struct Case {
    std::string text;
    int64_t ms;
    std::string printed;
  };
  const Case cases[] = {
      {"0", 0, "0s"},
      {"0s", 0, "0s"},
      {"15s", 15'000, "15s"},
      {"1h30m", 5'400'000, "1h30m"},
      {"90m", 5'400'000, "1h30m"},
      {"1d", 86'400'000, "1d"},
      {"7d", 604'800'000, "1w"},
      {"8d", 691'200'000, "8d"},
      {"1y", 31'536'000'000, "1y"},
      {"1y2w3d4h5m6s7ms",
       31'536'000'000 + 1'209'600'000 + 259'200'000 + 14'400'000 + 300'000 + 6'000 + 7,
       "382d4h5m6s7ms"},
      {"324ms", 324, "324ms"},
  };
  for (const Case& c : cases) {
    const auto parsed = ParseDuration(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text << ": " << parsed.error().message();
    EXPECT_EQ(parsed->count(), c.ms) << c.text;
    EXPECT_EQ(FormatDuration(*parsed), c.printed) << c.text;
  }
  EXPECT_EQ(FormatDuration(Duration{-90'000}), "-1m30s");
}

TEST(Duration, RefusesWithPrometheusWords) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "empty duration string"},
      {"1", "not a valid duration string: \"1\""},
      {"-1s", "not a valid duration string: \"-1s\""},
      {"1s1m", "not a valid duration string: \"1s1m\""},
      {"1m1m", "not a valid duration string: \"1m1m\""},
      {"1.5h", "unknown unit \".\" in duration \"1.5h\""},
      {"1x", "unknown unit \"x\" in duration \"1x\""},
      {"300y", "duration out of range"},
      {"99999999999999999999s", "not a valid duration string: \"99999999999999999999s\""},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().message(), message);
  }
}

TEST(GoDuration, ParsesFractionsAndSigns) {
  const std::pair<std::string, int64_t> cases[] = {{"0", 0},
                                                   {"1.5h", 5'400'000'000'000},
                                                   {"-1.5h", -5'400'000'000'000},
                                                   {"300ms", 300'000'000},
                                                   {"1m30s", 90'000'000'000},
                                                   {".5s", 500'000'000},
                                                   {"1us", 1'000},
                                                   {"1\u00b5s", 1'000},
                                                   {"7ns", 7}};
  for (const auto& [text, ns] : cases) {
    const auto parsed = ParseGoDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->count(), ns) << text;
  }
  for (const char* bad : {"", "5", "1d", "h", ".s", "1h-1m", "9999999999h"})
    EXPECT_FALSE(ParseGoDuration(bad).ok()) << bad;
}

TEST(Rfc3339, PrintsEveryNumberOfDecimals) {
  const Timestamp t{1767323045678};
  EXPECT_EQ(FormatRfc3339(t), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(FormatRfc3339(t, 0), "2026-01-02T03:04:05Z");
  EXPECT_EQ(FormatRfc3339(t, 9), "2026-01-02T03:04:05.678000000Z");
  EXPECT_EQ(FormatRfc3339(Timestamp{0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatRfc3339(Timestamp{1500}), "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(FormatRfc3339(Timestamp{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339(Timestamp{-62135596800000}), "0001-01-01T00:00:00Z");
}

TEST(Rfc3339, ParsesOffsetsAndRefusesNonsense) {
  EXPECT_EQ(ParseRfc3339("2026-01-02T03:04:05.678Z")->ms, 1767323045678);
  EXPECT_EQ(ParseRfc3339("2026-01-02T05:04:05.6789+02:00")->ms, 1767323045678);
  EXPECT_EQ(ParseRfc3339("2026-01-01T22:04:05-05:00")->ms, 1767323045000);
  EXPECT_EQ(ParseRfc3339("2024-02-29T00:00:00Z")->ms, 1709164800000);
  for (const char* bad : {"", "2026-01-02", "2026-02-29T00:00:00Z", "2026-01-02T24:00:00Z",
                          "2026-01-02T03:04:05", "2026-01-02T03:04:05Zx", "2026-13-02T03:04:05Z",
                          "2026-01-02T03:04:05.Z", "2026-01-02 03:04:05Z"})
    EXPECT_FALSE(ParseRfc3339(bad).ok()) << bad;
}

TEST(ByteSize, ReadsBaseTwoUnits) {
  const std::pair<std::string, uint64_t> cases[] = {
      {"0", 0},        {"1024", 1024}, {"512MB", 512u << 20},       {"10GiB", uint64_t{10} << 30},
      {"1.5KB", 1536}, {"7B", 7},      {"1MiB512KiB", 1536u << 10}, {"1KB1B", 1025}};
  for (const auto& [text, bytes] : cases) {
    const auto parsed = ParseByteSize(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, bytes);
  }
  for (const char* bad : {"", "MB", "1XB", "-1MB", "1M", "100EB", "1e3MB", "1MBx", "1KB-1B", "1iB"})
    EXPECT_FALSE(ParseByteSize(bad).ok()) << bad;
}

}  // namespace
}  // namespace tocsin
