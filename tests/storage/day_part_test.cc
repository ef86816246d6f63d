// Segments taken apart into a day and put together again.
#include "storage/codec/day_part.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/codec/value_codec.h"

namespace tocsin::storage {
namespace {

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

// Slots of `slots` with as many samples as there are times, and start timestamps for some.
std::string Segment(int64_t t0, size_t n, uint64_t slots, bool starts) {
  SegmentBuilder builder;
  std::vector<Timestamp> times;
  for (size_t i = 0; i < n; ++i) times.push_back({t0 + static_cast<int64_t>(i) * 1000});
  builder.AddTimes(times);
  for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
    if (((slots >> slot) & 1) == 0) continue;
    Presence presence;
    std::vector<double> values;
    for (size_t i = 0; i < n; ++i) {
      if (slot % 3 == 1 && i % 5 == 2) continue;
      presence.Set(i);
      values.push_back(static_cast<double>(slot * 100 + i));
    }
    builder.AddSlot(slot, 0, presence, values);
    if (starts && slot % 2 == 0)
      builder.AddStarts(std::vector<Timestamp>(values.size(), Timestamp{t0 - 5}));
  }
  std::string blob;
  builder.Finish(blob);
  return blob;
}

struct Day {
  std::string index;
  std::vector<std::string> parts = std::vector<std::string>(kDayParts);
};

Day Build(const std::vector<std::string>& segments) {
  DayPartBuilder builder;
  builder.Reset();
  for (const std::string& segment : segments) EXPECT_TRUE(builder.Add(segment).ok());
  Day day;
  builder.FinishIndex(day.index);
  for (unsigned k = 0; k < kDayParts; ++k)
    if (builder.HasPart(k)) builder.FinishPart(k, day.parts[k]);
  return day;
}

TEST(DayPart, GoldenBytes) {
  const Day day = Build({Segment(1000, 3, 0x101, false)});
  EXPECT_EQ(Hex(day.index), "4101190100d00fd00f01010000000000000103d00fd00f0001060107069cb715");
  EXPECT_EQ(Hex(day.parts[0]), "42000682000100020085ce871b");
  EXPECT_EQ(Hex(day.parts[1]), "420107820001c00c020042b10402");
}

TEST(DayPart, ReadsBackWhatTheSegmentsHad) {
  std::vector<std::string> segments{Segment(1000, 700, ~uint64_t{0}, false),
                                    Segment(900'000, 20, 0x00FF'0000'0000'0010, true),
                                    Segment(1'000'000, 1, 0x8000'0000'0000'0001, false)};
  const Day day = Build(segments);
  DayPartReader reader;
  ASSERT_TRUE(reader.OpenIndex(day.index).ok());
  ASSERT_EQ(reader.segments(), segments.size());
  SegmentBuffers buffers;
  SegmentRun before;
  EXPECT_FALSE(reader.segment(0).ReadRun(0, 0, buffers, &before).ok());  // no columns yet
  for (unsigned k = 0; k < kDayParts; ++k) {
    if (day.parts[k].empty()) continue;
    ASSERT_TRUE(reader.OpenPart(k, day.parts[k]).ok());
  }
  SegmentReader whole;
  for (size_t i = 0; i < segments.size(); ++i) {
    ASSERT_TRUE(whole.Open(segments[i]).ok());
    const OpenedSegment& split = reader.segment(i);
    EXPECT_EQ(whole.present(), split.present());
    EXPECT_EQ(whole.min_time(), split.min_time());
    EXPECT_EQ(whole.max_time(), split.max_time());
    for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
      ASSERT_EQ(whole.RunCount(slot), split.RunCount(slot));
      for (size_t run = 0; run < whole.RunCount(slot); ++run) {
        SegmentRun a, b;
        ASSERT_TRUE(whole.ReadRun(slot, run, &a).ok());
        ASSERT_TRUE(split.ReadRun(slot, run, buffers, &b).ok());
        EXPECT_TRUE(std::equal(a.times.begin(), a.times.end(), b.times.begin(), b.times.end()));
        EXPECT_TRUE(std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end()));
        EXPECT_TRUE(std::equal(a.starts.begin(), a.starts.end(), b.starts.begin(), b.starts.end()));
      }
    }
  }
}

TEST(DayPart, DamageIsToldAndNeverCrashes) {
  const Day day = Build({Segment(1000, 100, 0xFF0F, true), Segment(200'000, 10, 0xF, false)});
  DayPartReader reader;
  for (size_t cut = 0; cut < day.index.size(); ++cut)
    EXPECT_FALSE(reader.OpenIndex(std::string_view(day.index).substr(0, cut)).ok());
  ASSERT_TRUE(reader.OpenIndex(day.index).ok());
  for (size_t cut = 0; cut < day.parts[0].size(); ++cut)
    EXPECT_FALSE(reader.OpenPart(0, std::string_view(day.parts[0]).substr(0, cut)).ok());
  EXPECT_FALSE(reader.OpenPart(1, day.parts[0]).ok());
  SegmentBuffers buffers;
  std::mt19937_64 random(5);
  for (int round = 0; round < 5'000; ++round) {
    const auto spoil = [&](std::string bytes) {
      bytes.resize(bytes.size() - 4);
      for (size_t n = random() % 3; n > 0; --n)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      PutFixed(bytes, Checksum32(bytes));
      return bytes;
    };
    const std::string index = spoil(day.index);
    const std::string part = spoil(day.parts[0]);
    if (!reader.OpenIndex(index).ok()) continue;
    (void)reader.OpenPart(0, part).ok();
    for (size_t i = 0; i < reader.segments(); ++i)
      for (unsigned slot = 0; slot < 16; ++slot)
        for (size_t run = 0; run < reader.segment(i).RunCount(slot); ++run) {
          SegmentRun out;
          (void)reader.segment(i).ReadRun(slot, run, buffers, &out).ok();
        }
  }
}

}  // namespace
}  // namespace tocsin::storage
