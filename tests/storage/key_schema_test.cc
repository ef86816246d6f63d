// The bytes of every key are frozen: a change here needs a decision record and a new format
// version.
#include "storage/key_schema.h"

#include <gtest/gtest.h>

#include <string>

namespace tocsin::storage {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

TEST(KeySchema, FamilyNames) {
  std::string names;
  for (Family family : kFixedFamilies) names += std::string(FamilyName(family)) + " ";
  EXPECT_EQ(names, "default series sym post raw lvl state ");
  EXPECT_EQ(LogFamilyName(1048577), "log_1048577");
  EXPECT_EQ(ParseLogFamilyName("log_18446744073709551615"), ~uint64_t{0});
  for (const char* bad : {"log_", "log_x", "log_1x", "log_18446744073709551616", "lvl", "log_-1"})
    EXPECT_EQ(ParseLogFamilyName(bad), std::nullopt) << bad;
}

TEST(KeySchema, DefaultFamily) {
  EXPECT_EQ(Hex(keys::Format()), "66");
  EXPECT_EQ(Hex(keys::Floors()), "6e");
  EXPECT_EQ(Hex(keys::Class(3)), "6303");
  EXPECT_EQ(Hex(keys::Edge(3, 1)), "650301");
  EXPECT_EQ(Hex(keys::Tombstone(0x0102030405060708)), "740102030405060708");
  EXPECT_EQ(Hex(keys::PostMark()), "70");
  EXPECT_EQ(Hex(keys::GuardedClock()), "67");
  EXPECT_EQ(Hex(keys::Metadata("up")), "6d7570");
}

TEST(KeySchema, IndexFamilies) {
  EXPECT_EQ(Hex(keys::SeriesRun(1, 0)), "010100");
  EXPECT_EQ(Hex(keys::SeriesRun(0x1234, 63)), "0212343f");
  EXPECT_EQ(Hex(keys::Symbols(0x10000)), "03010000");
  EXPECT_EQ(Hex(keys::Posting(0x4d01, 0, 0, 7)), "4d01000000000007");
  EXPECT_EQ(Hex(keys::Posting(0x4d01, 2, 300, 0)), "4d01010202012c00000000");
  EXPECT_EQ(Hex(keys::State("nflog", "k")), "056e666c6f676b");
  EXPECT_EQ(Hex(keys::LogRow(258)), "0000000000000102");
}

TEST(KeySchema, SampleFamilies) {
  const keys::FileId file{2, 0x4d01, 5};
  EXPECT_EQ(Hex(keys::FilePrefix(file)), "024d010000000000000005");
  EXPECT_EQ(Hex(keys::Segment(file, 1, 0)), "024d01000000000000000501010000");
  EXPECT_EQ(Hex(keys::Segment(file, 0x1234, 258)), "024d0100000000000000050212340102");
  EXPECT_EQ(Hex(keys::Exemplars(file, 1)), "024d010000000000000005fe0001");
  EXPECT_EQ(Hex(keys::FileHeader(file)), "024d010000000000000005ff0000");
}

TEST(KeySchema, HeaderIsTheLastKeyOfItsFile) {
  const keys::FileId file{0, 19000, 7};
  const keys::FileId next{0, 19000, 8};
  EXPECT_LT(keys::Segment(file, ~uint64_t{0}, 0xFFFF), keys::Exemplars(file, 0));
  EXPECT_LT(keys::Exemplars(file, 0xFFFF), keys::FileHeader(file));
  EXPECT_LT(keys::FileHeader(file), keys::FileEnd(file));
  EXPECT_LT(keys::FileEnd(file), keys::FilePrefix(next));
  EXPECT_LT(keys::FileEnd(next), keys::DayEnd(0, 19000));
  EXPECT_LT(keys::DayEnd(0, 19000), keys::DayBegin(0, 19001));
}

TEST(KeySchema, OrderedVarintsSortLikeNumbers) {
  uint64_t before = 0;
  for (const uint64_t group : {1ull, 2ull, 255ull, 256ull, 65535ull, 65536ull, 1ull << 40}) {
    EXPECT_LT(keys::SeriesRun(before, 63), keys::SeriesRun(group, 0));
    before = group;
  }
}

TEST(KeySchema, ReadsBackWhatItWrites) {
  const keys::FileId file{2, 0x4d01, 5};
  auto raw = keys::ParseRaw(keys::Segment(file, 77, 3));
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->file, file);
  EXPECT_EQ(raw->kind, keys::RawKey::Kind::kSegment);
  EXPECT_EQ(raw->group, 77u);
  EXPECT_EQ(raw->part, 3);
  EXPECT_EQ(keys::ParseRaw(keys::FileHeader(file))->kind, keys::RawKey::Kind::kHeader);
  EXPECT_EQ(keys::ParseRaw(keys::Exemplars(file, 9))->part, 9);
  EXPECT_EQ(keys::ParseSeriesRun(keys::SeriesRun(300, 4))->group, 300u);
  EXPECT_EQ(keys::ParseSymbols(keys::Symbols(300)), 300u);
  EXPECT_EQ(keys::ParseLogRow(keys::LogRow(300)), 300u);
  EXPECT_EQ(keys::ParseTombstone(keys::Tombstone(300)), 300u);
  EXPECT_EQ(keys::ParseEdge(keys::Edge(1, 2))->level, 2);
}

TEST(KeySchema, MalformedKeysAreRefused) {
  const std::string segment = keys::Segment({0, 1, 2}, 3, 4);
  for (size_t n = 0; n < segment.size(); ++n)
    EXPECT_FALSE(keys::ParseRaw(segment.substr(0, n))) << n;
  EXPECT_FALSE(keys::ParseRaw(segment + "x"));
  EXPECT_FALSE(keys::ParseFileId(segment.substr(0, 10)));
  EXPECT_EQ(keys::ParseFileId(segment.substr(0, 11)), (keys::FileId{0, 1, 2}));
  EXPECT_FALSE(keys::ParseSeriesRun("\x09"));
  EXPECT_FALSE(keys::ParseLogRow("short"));
}

TEST(KeySchema, Days) {
  EXPECT_EQ(DayOf({0}), 0);
  EXPECT_EQ(DayOf({kDayMs - 1}), 0);
  EXPECT_EQ(DayOf({kDayMs}), 1);
  EXPECT_EQ(DayOf(kMaxStorable), kMaxDay);
  EXPECT_EQ(DayStart(2).ms, 2 * kDayMs);
  EXPECT_EQ(GroupOf(SeriesId(9, 63)), 9u);
  EXPECT_EQ(SlotOf(SeriesId(9, 63)), 63u);
}

}  // namespace
}  // namespace tocsin::storage
