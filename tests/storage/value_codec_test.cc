#include "storage/codec/value_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "storage/codec/bit_stream.h"
#include "storage/codec/packed_blocks.h"
#include "tests/storage/codec_samples.h"

namespace tocsin::storage {
namespace {

using testing::Engine;
using testing::Hex;

std::string Encoded(const std::vector<double>& values) {
  std::string out;
  EncodeValues(values, out);
  return out;
}

// Decodes from memory that ends with the column, so that ASan sees a read behind it.
Status DecodeExact(std::string_view column, std::span<double> out) {
  const auto copy = std::make_unique<char[]>(column.size());
  std::copy(column.begin(), column.end(), copy.get());
  return DecodeValues({copy.get(), column.size()}, out);
}

void ExpectRoundTrip(const std::vector<double>& values) {
  const std::string column = Encoded(values);
  std::vector<double> out(values.size());
  const Status status = DecodeExact(column, out);
  ASSERT_TRUE(status.ok()) << Hex(column.substr(0, 40));
  ASSERT_TRUE(testing::SameBits(values, out.data())) << Hex(column.substr(0, 40));
  // With slack behind the column the same comes out.
  const std::string padded = column + std::string(kUnpackSlack, '\xa5');
  ASSERT_TRUE(DecodeValues({padded.data(), column.size()}, out, kUnpackSlack).ok());
  ASSERT_TRUE(testing::SameBits(values, out.data()));
}

TEST(BitStream, EveryWidthAndCountRoundTrips) {
  Engine rng(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (size_t n = 1; n <= 64; ++n) {
      uint64_t values[64], out[64];
      for (auto& v : values) v = rng() & LowMask(width);
      std::string packed = "x";
      PackBits(values, n, width, packed);
      ASSERT_EQ(packed.size(), 1 + PackedBytes(n, width));
      packed.append(kUnpackSlack, '\xff');
      UnpackBits(reinterpret_cast<const uint8_t*>(packed.data()) + 1, n, width, out);
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(values[i], out[i]) << width << " " << i;
    }
  }
}

TEST(PackedBlocks, OutliersArePatchedAndRoundTrip) {
  Engine rng(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint64_t> values(1 + rng() % 200);
    const unsigned width = rng() % 20;
    for (auto& v : values) v = rng() % 15 == 0 ? rng() >> (rng() % 64) : rng() & LowMask(width);
    std::string out;
    EncodeBlocks(values, out);
    BlockReader reader(reinterpret_cast<const uint8_t*>(out.data()),
                       reinterpret_cast<const uint8_t*>(out.data()) + out.size(), 0);
    for (size_t i = 0; i < values.size(); i += kBlockEntries) {
      uint64_t block[kBlockEntries] = {};
      bool zero = false;
      const size_t k = std::min(kBlockEntries, values.size() - i);
      ASSERT_TRUE(reader.Next(k, block, &zero));
      for (size_t j = 0; j < k; ++j) ASSERT_EQ(values[i + j], block[j]);
    }
    ASSERT_EQ(reader.position(), reinterpret_cast<const uint8_t*>(out.data()) + out.size());
  }
}

TEST(ValueCodec, ColumnsOfEveryKindRoundTrip) {
  Engine rng(3);
  for (int round = 0; round < 6000; ++round) {
    const size_t n = 1 + rng() % (round % 100 == 0 ? kMaxColumnEntries : 130);
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(testing::AnySeries(rng, n))) << round;
  }
}

TEST(ValueCodec, IntegersUpToTheLimitRoundTrip) {
  // At 2^51 and above the fast conversion would be wrong; such values must take another way.
  for (const double limit : {0x1p51, 0x1p52, 0x1p53, 0x1p62}) {
    std::vector<double> values;
    for (int i = -40; i < 40; ++i) {
      values.push_back(limit + i);
      values.push_back(-limit + i);
      values.push_back(limit / 100 + i);
    }
    ExpectRoundTrip(values);
    ExpectRoundTrip({limit - 1});
    ExpectRoundTrip({limit, limit, limit});
    ExpectRoundTrip({-limit});
    ExpectRoundTrip({limit - 1, 1 - limit, limit - 1, 1 - limit, limit - 1, 1 - limit});
  }
}

TEST(ValueCodec, IeeeModeWrapsAround) {
  std::vector<double> values;
  Engine rng(4);
  for (int i = 0; i < 200; ++i) {
    const uint64_t extreme = i % 2 == 0 ? 0x7fefffffffffffff : 0x8000000000000001;
    values.push_back(std::bit_cast<double>(extreme - rng() % 5));
  }
  EXPECT_EQ(static_cast<uint8_t>(Encoded(values)[0]) & 0xfc, 0x80 | 31 << 2);
  ExpectRoundTrip(values);
  // Doubles made from floats: the low 29 bits are zero and cost nothing.
  std::vector<double> singles;
  for (int i = 0; i < 480; ++i) singles.push_back(static_cast<float>(std::sin(i)) * 1e-3f);
  ExpectRoundTrip(singles);
  EXPECT_LT(Encoded(singles).size(), 480 * 5u);
}

TEST(ValueCodec, ExceptionsAtBothEndsRoundTrip) {
  const double stale = std::bit_cast<double>(kStaleNaNBits);
  ExpectRoundTrip({stale, 1, 2, 3, stale});
  ExpectRoundTrip({-0.0, 0.0, 0.0, 0.0, 0.0, -0.0});
  ExpectRoundTrip({stale, stale, stale, 7});
  ExpectRoundTrip({stale, -0.0});
  ExpectRoundTrip({std::numeric_limits<double>::infinity(), 1.5, -2.25});
}

// Golden bytes: these are on disks. A change here needs a new format version.
TEST(ValueCodec, GoldenBytes) {
  EXPECT_EQ(Hex(Encoded({0.0})), "0200");
  EXPECT_EQ(Hex(Encoded({-3, -3, -3})), "0205");
  EXPECT_EQ(Hex(Encoded({0.5, 0.5})), "00000000000000e03f");
  EXPECT_EQ(Hex(Encoded({std::bit_cast<double>(kStaleNaNBits)})), "00020000000000f07f");
  // Frame of reference: mode, nexc, gcd, base, min, one block of width 1.
  EXPECT_EQ(Hex(Encoded({10, 11, 10, 11, 11, 10, 10, 11, 10, 10})), "8000011414014d00");
  // A counter: deltas minus the smallest, 3.
  EXPECT_EQ(Hex(Encoded({100, 103, 107, 110, 114, 118})), "830001c80106011a");
  // A straight line with a kink: delta of delta.
  EXPECT_EQ(Hex(Encoded({0, 100, 200, 300, 401, 502})), "82000100c8010220");
  // Two decimals, greatest common divisor 25.
  EXPECT_EQ(Hex(Encoded({1.25, 1.5, 1.25, 1.75})), "880019fa01fa010221");
  // The stale marker as an exception at position 4.
  EXPECT_EQ(Hex(Encoded({1, 2, 3, 4, std::bit_cast<double>(kStaleNaNBits)})),
            "8201010202010404020000000000f07f");
  // 900 as a patch (position 7, high part 112) of a block of width 3.
  EXPECT_EQ(Hex(Encoded({5, 4, 5, 3, 6, 4, 2, 5, 900, 4, 4, 3, 5, 4, 5})),
            "8000010a0483015a284c52a6010770");
  // IEEE bits, frame of reference.
  EXPECT_EQ(
      Hex(Encoded({0.1234567890123456, 0.2234567890123456, 0.7234567890123457, 0.1234567890123451,
                   0.1234567890123452, 1.0 / 3})),
      "fc0001b2d9b7f4a6b7cdbf7fead8b7f4a6b7cdbf7f850345010400008e95a58cafff1901ded1dae8d88b4f04f9"
      "e5c187bcba2b");
}

TEST(ValueCodec, ConstantColumnIsToldFromItsBytes) {
  double value = 0;
  EXPECT_TRUE(ConstantColumn(Encoded(std::vector<double>(100, 42.0)), &value));
  EXPECT_EQ(value, 42);
  EXPECT_FALSE(ConstantColumn(Encoded({1, 2}), &value));
  EXPECT_FALSE(ConstantColumn("", &value));
}

TEST(ValueCodec, TheShapeIsToldFromTheFirstBytes) {
  Engine rng(11);
  std::vector<double> steady{1e6}, uneven, mixed;
  for (int i = 0; i < 100; ++i) {
    steady.push_back(steady.back() + 1000 + static_cast<double>(rng() % 16));
    uneven.push_back(i * i % 50);
    mixed.push_back(i == 50 ? StaleMarker() : steady.back());
  }
  EXPECT_EQ(ShapeOf(Encoded(std::vector<double>(9, -0.0))), ValueShape::kConstant);
  EXPECT_EQ(ShapeOf(Encoded(std::vector<double>(9, StaleMarker()))), ValueShape::kConstant);
  EXPECT_EQ(ShapeOf(Encoded(steady)), ValueShape::kAscending);
  EXPECT_EQ(ShapeOf(Encoded(uneven)), ValueShape::kNumbers);
  EXPECT_EQ(ShapeOf(Encoded(mixed)), ValueShape::kAny);
  EXPECT_EQ(ShapeOf(""), ValueShape::kAny);
  // Never more than what is true.
  for (int i = 0; i < 3000; ++i) {
    std::vector<double> v(1 + rng() % 60);
    const double scale = rng() % 2 == 0 ? 1 : 0.01;
    double x = static_cast<double>(rng() % 100);
    for (double& one : v) {
      const uint64_t kind = rng() % 40;
      x += static_cast<double>(rng() % 5 + (i % 3 == 0 ? 3 : 0)) - (i % 2 == 0 ? 0 : 1);
      one = kind == 0 && i % 5 == 0 ? std::numeric_limits<double>::quiet_NaN() : x * scale;
    }
    const ValueShape shape = ShapeOf(Encoded(v));
    const auto holds = [&](ValueShape told) {
      const bool ascending = told == ValueShape::kAscending;
      const bool numbers = ascending || told == ValueShape::kNumbers;
      return (!ascending || std::is_sorted(v.begin(), v.end())) &&
             (!numbers ||
              std::none_of(v.begin(), v.end(), [](double d) { return std::isnan(d); })) &&
             (told != ValueShape::kConstant || shape == ValueShape::kConstant);
    };
    EXPECT_TRUE(holds(shape));
    // What is told of two parts is true of the whole.
    const size_t cut = rng() % v.size();
    if (cut == 0) continue;
    const std::vector<double> a(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(cut)),
        b(v.begin() + static_cast<std::ptrdiff_t>(cut), v.end());
    EXPECT_TRUE(holds(JoinShapes(ShapeOf(Encoded(a)), a.back(), ShapeOf(Encoded(b)), b.front())));
  }
}

TEST(ValueCodec, SizesStaySmall) {
  Engine rng(5);
  const auto bits = [](const std::vector<double>& v) {
    return static_cast<double>(Encoded(v).size()) * 8 / static_cast<double>(v.size());
  };
  EXPECT_LT(bits(testing::Constant(rng, 480)), 0.1);
  EXPECT_LT(bits(testing::Counter(rng, 480)), 6.5);
  EXPECT_LT(bits(testing::DecimalGauge(rng, 480, 2)), 8.5);
  EXPECT_LT(bits(testing::ByteGauge(rng, 480)), 9.5);
  EXPECT_LT(bits(testing::FullPrecision(rng, 480)), 55);
  EXPECT_LT(bits(testing::Sluggish(rng, 480)), 1.2);
}

TEST(ValueCodec, TruncatedColumnsAreRefused) {
  Engine rng(6);
  for (int round = 0; round < 60; ++round) {
    const auto values = testing::AnySeries(rng, 1 + rng() % 150);
    const std::string column = Encoded(values);
    std::vector<double> out(values.size());
    for (size_t cut = 0; cut < column.size(); ++cut)
      ASSERT_FALSE(DecodeExact(std::string_view(column).substr(0, cut), out).ok());
    ASSERT_FALSE(DecodeExact(column + '\0', out).ok());
  }
}

TEST(ValueCodec, DamageNeverReadsOutOfBounds) {
  Engine rng(7);
  size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    const auto values = testing::AnySeries(rng, 1 + rng() % 150);
    std::string column = Encoded(values);
    for (size_t i = 0, n = 1 + rng() % 4; i < n; ++i)
      column[rng() % std::min<size_t>(column.size(), 1 + rng() % 40)] = static_cast<char>(rng());
    std::vector<double> out(values.size());
    refused += !DecodeExact(column, out).ok();
  }
  EXPECT_GT(refused, 1000u);
}

TEST(ValueCodec, LyingCountsAreRefused) {
  std::vector<double> out(4);
  for (const std::string_view bad :
       {std::string_view("", 0), std::string_view("\x03\x00", 2), std::string_view("\x01", 1),
        std::string_view("\x81\x00\x00\x02\x01\x02", 6),          // gcd 0
        std::string_view("\x81\x05\x01\x02\x00", 5),              // more exceptions than values
        std::string_view("\xbd\x00\x01\x02\x00", 5),              // 15 decimals
        std::string_view("\x81\x00\x01\x02\x41\x00", 6),          // width 65
        std::string_view("\x81\x00\x01\x02\x80\x00", 6),          // no patch
        std::string_view("\x81\x00\x01\x02\x80\x01\x03\x01", 8),  // patch behind the block
        std::string_view("\x81\x00\x01\x02\x80\x02\x01\x01\x01\x01", 10)}) {  // same place twice
    EXPECT_EQ(DecodeValues(bad, out).error().code(), ErrorCode::kCorruption) << Hex(bad);
  }
}

}  // namespace
}  // namespace tocsin::storage
