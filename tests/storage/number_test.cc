#include "storage/base/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

std::string With(void (*append)(std::string&, double), double v) {
  std::string out;
  append(out, v);
  return out;
}

TEST(ParseFloat, TakesWhatGoTakes) {
  EXPECT_EQ(ParseFloat("1"), 1);
  EXPECT_EQ(ParseFloat("+1.5e3"), 1500);
  EXPECT_EQ(ParseFloat("-.5"), -0.5);
  EXPECT_EQ(ParseFloat("5."), 5);
  EXPECT_EQ(ParseFloat("-inf"), -INFINITY);
  EXPECT_EQ(ParseFloat("+Infinity"), INFINITY);
  EXPECT_EQ(ParseFloat("1e400"), INFINITY);
  EXPECT_TRUE(std::signbit(*ParseFloat("-0")));
  EXPECT_EQ(std::bit_cast<uint64_t>(*ParseFloat("NaN")), kNormalNaNBits);
}

TEST(ParseFloat, RefusesTheRest) {
  for (const char* text : {"", "+", "-", ".", "1x", "x", "0x1p3", "1_0", " 1", "1 ", "+nan", "in",
                           "--1", "+-1", "1e", "NaNa"}) {
    EXPECT_FALSE(ParseFloat(text).has_value()) << text;
  }
}

TEST(ParseInt, ChecksAllOfTheText) {
  EXPECT_EQ(ParseInt("-12"), -12);
  EXPECT_EQ(ParseInt("+12"), 12);
  EXPECT_FALSE(ParseInt("12a").has_value());
  EXPECT_FALSE(ParseInt("9223372036854775808").has_value());
  EXPECT_EQ(ParseUint("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  EXPECT_FALSE(ParseUint("-1").has_value());
}

TEST(Format, ApiFloat) {
  EXPECT_EQ(With(AppendApiFloat, 1), "1");
  EXPECT_EQ(With(AppendApiFloat, 0.1), "0.1");
  EXPECT_EQ(With(AppendApiFloat, 1e20), "100000000000000000000");
  EXPECT_EQ(With(AppendApiFloat, 1e21), "1e+21");
  EXPECT_EQ(With(AppendApiFloat, 1e-6), "0.000001");
  EXPECT_EQ(With(AppendApiFloat, 1e-7), "1e-07");
  EXPECT_EQ(With(AppendApiFloat, -0.0), "-0");
  EXPECT_EQ(With(AppendApiFloat, NAN), "NaN");
  EXPECT_EQ(With(AppendApiFloat, -INFINITY), "-Inf");
}

// The values promtool 2.42 printed for {{ $value }}.
TEST(Format, GoFloat) {
  EXPECT_EQ(With(AppendGoFloat, 1234567), "1.234567e+06");
  EXPECT_EQ(With(AppendGoFloat, 123456789012), "1.23456789012e+11");
  EXPECT_EQ(With(AppendGoFloat, 0.00001), "1e-05");
  EXPECT_EQ(With(AppendGoFloat, 0.0001), "0.0001");
  EXPECT_EQ(With(AppendGoFloat, 100000), "100000");
  EXPECT_EQ(With(AppendGoFloat, 0), "0");
}

TEST(Format, OtherPlaces) {
  EXPECT_EQ(With(AppendOpenMetricsFloat, 1), "1.0");
  EXPECT_EQ(With(AppendOpenMetricsFloat, 0.5), "0.5");
  EXPECT_EQ(With(AppendOpenMetricsFloat, 1e6), "1e+06");
  EXPECT_EQ(With(AppendOpenMetricsFloat, INFINITY), "+Inf");
  EXPECT_EQ(With(AppendExpFloat, 150), "1.5e+02");
  EXPECT_EQ(With(AppendPlainFloat, 1e22), "10000000000000000000000");
}

TEST(Format, ApiTimestamp) {
  auto format = [](int64_t ms) {
    std::string out;
    AppendApiTimestamp(out, ms);
    return out;
  };
  EXPECT_EQ(format(1435781430781), "1435781430.781");
  EXPECT_EQ(format(1435781430000), "1435781430");
  EXPECT_EQ(format(50), "0.050");
  EXPECT_EQ(format(-1500), "-1.500");
  EXPECT_EQ(format(-500), "-0.500");
}

}  // namespace
}  // namespace tocsin
