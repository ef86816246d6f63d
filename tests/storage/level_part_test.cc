// Cells of a level: what goes in comes out bit by bit; damage is told.
#include "storage/codec/level_part.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "storage/model/sample.h"

namespace tocsin::storage {
namespace {

constexpr Duration kFive{300'000};
constexpr Timestamp kDayStart{1'700'006'400'000 / 86'400'000 * 86'400'000};

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

void ExpectSame(const LevelCell& a, const LevelCell& b) {
  const auto bits = [](double v) { return std::bit_cast<uint64_t>(v); };
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.count, b.count);
  if (a.count > 0) {
    EXPECT_EQ(a.first_time, b.first_time);
    EXPECT_EQ(a.last_time, b.last_time);
  }
  EXPECT_EQ(bits(a.first), bits(b.first));
  EXPECT_EQ(bits(a.last), bits(b.last));
  EXPECT_EQ(bits(a.min), bits(b.min));
  EXPECT_EQ(bits(a.max), bits(b.max));
  EXPECT_EQ(a.has_sum, b.has_sum);
  EXPECT_EQ(a.has_resets, b.has_resets);
  if (a.has_sum) {
    EXPECT_EQ(bits(a.sum), bits(b.sum));
  }
  if (a.has_resets) {
    EXPECT_EQ(a.resets, b.resets);
    EXPECT_EQ(bits(a.dropped), bits(b.dropped));
  }
  EXPECT_EQ(a.ended, b.ended);
}

LevelCell Cell(int window, uint32_t count, double first, double last) {
  LevelCell cell;
  cell.end = kDayStart + window * kFive;
  cell.count = count;
  cell.first_time = cell.end - Duration{count * 10'000};
  cell.last_time = cell.end - Duration{123};
  cell.first = first;
  cell.last = last;
  cell.min = std::min(first, last);
  cell.max = std::max(first, last);
  cell.sum = count * first;
  return cell;
}

TEST(LevelPart, GoldenBytes) {
  LevelPartBuilder builder;
  builder.Reset(kFive, kDayStart, 289);
  LevelCell a = Cell(1, 20, 5, 5);
  LevelCell b = Cell(2, 20, 5, 9);
  b.sum = 140;
  builder.AddFloats(3, std::vector{a, b});
  builder.AddWeights(7, std::vector<uint32_t>{1, 19});
  std::string blob;
  builder.Finish(blob);
  EXPECT_EQ(Hex(blob),
            "01e0a71280deb305a1020800000000000000800000000000000001010102020228040280b5180302f60100"
            "0302020a01058200040a0800000106820028c8015000000002058200120224da5e5a18");
}

TEST(LevelPart, RoundTrip) {
  std::mt19937_64 random(7);
  const double odd[] = {0.0,    -0.0, std::nan(""), std::numeric_limits<double>::infinity(),
                        -1e300, 0.1,  5e-324};
  for (int round = 0; round < 6; ++round) {
    LevelPartBuilder builder;
    builder.Reset(kFive, kDayStart, 289);
    std::vector<std::vector<LevelCell>> all(kSegmentSlots);
    std::vector<std::vector<uint32_t>> weights(kSegmentSlots);
    for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
      if (random() % 3 == 0) continue;
      const bool sum = random() % 2 != 0, resets = random() % 2 != 0;
      for (int window = 0; window < 289; ++window) {
        if (random() % 17 == 0) continue;
        LevelCell cell = Cell(window, random() % 20, static_cast<double>(random() % 1000),
                              static_cast<double>(random() % 1000));
        if (random() % 9 == 0) cell.last = odd[random() % std::size(odd)];
        if (random() % 9 == 0) cell.min = odd[random() % std::size(odd)];
        if (slot % 2 != 0) cell.max = odd[random() % std::size(odd)];
        if (random() % 5 == 0) cell.sum = 0.3 * static_cast<double>(random() % 99);
        if (cell.count > 0 && random() % 11 == 0) {
          cell.resets = 1;
          cell.dropped = odd[random() % std::size(odd)];
        }
        cell.ended = random() % 50 == 0;
        cell.has_sum = sum;
        cell.has_resets = resets;
        all[slot].push_back(cell);
      }
      builder.AddFloats(slot, all[slot]);
    }
    for (unsigned slot = 0; slot < kSegmentSlots; slot += 5) {
      for (size_t i = 0; i < 1 + 300 * slot; ++i) weights[slot].push_back(random() % 20);
      builder.AddWeights(slot, weights[slot]);
    }
    std::string blob;
    builder.Finish(blob);
    LevelPartReader reader;
    ASSERT_TRUE(reader.Open(blob).ok());
    std::vector<LevelCell> cells;
    for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
      cells.clear();
      ASSERT_EQ(reader.HasFloats(slot), !all[slot].empty());
      if (!all[slot].empty()) {
        ASSERT_TRUE(reader.ReadFloats(slot, &cells).ok());
        ASSERT_EQ(cells.size(), all[slot].size());
        for (size_t i = 0; i < cells.size(); ++i) ExpectSame(all[slot][i], cells[i]);
      }
      ASSERT_EQ(reader.HasHistograms(slot), !weights[slot].empty());
      if (weights[slot].empty()) continue;
      std::vector<uint32_t> read;
      ASSERT_TRUE(reader.ReadWeights(slot, &read).ok());
      EXPECT_EQ(read, weights[slot]);
    }
    if (HasFailure()) return;
  }
}

// With a right checksum around wrong bytes the tables themselves are what is checked.
TEST(LevelPart, DamageIsToldAndNeverCrashes) {
  LevelPartBuilder builder;
  builder.Reset(kFive, kDayStart, 289);
  std::vector<LevelCell> cells;
  for (int i = 0; i < 50; ++i) cells.push_back(Cell(i * 2, 20, i * i, i * i + 3));
  cells[7].resets = 2;
  cells[7].dropped = 9;
  builder.AddFloats(0, cells);
  builder.AddFloats(9, cells);
  builder.AddWeights(9, std::vector<uint32_t>(1500, 3));
  std::string blob;
  builder.Finish(blob);
  LevelPartReader reader;
  for (size_t cut = 0; cut < blob.size(); ++cut)
    EXPECT_FALSE(reader.Open(std::string_view(blob).substr(0, cut)).ok());
  std::mt19937_64 random(3);
  for (int round = 0; round < 5'000; ++round) {
    std::string bad = blob.substr(0, blob.size() - 4);
    for (size_t n = 1 + random() % 3; n > 0; --n)
      bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    PutFixed(bad, Checksum32(bad));
    if (!reader.Open(bad).ok()) continue;
    std::vector<LevelCell> out;
    std::vector<uint32_t> weights;
    for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
      if (reader.HasFloats(slot)) (void)reader.ReadFloats(slot, &out).ok();
      if (reader.HasHistograms(slot)) (void)reader.ReadWeights(slot, &weights).ok();
    }
  }
}

}  // namespace
}  // namespace tocsin::storage
