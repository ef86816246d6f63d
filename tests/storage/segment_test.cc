#include "storage/codec/segment.h"

#include <gtest/gtest.h>

#include <memory>

#include "storage/codec/file_header.h"
#include "storage/codec/value_codec.h"
#include "storage/model/sample.h"
#include "tests/storage/codec_samples.h"

namespace tocsin::storage {
namespace {

using testing::Engine;
using testing::Hex;

struct SlotModel {
  unsigned slot;
  std::vector<Timestamp> times;
  std::vector<double> values;
};

// The entries of `presence` below n.
std::vector<Timestamp> Pick(const std::vector<Timestamp>& times, const Presence& presence) {
  std::vector<Timestamp> out;
  for (size_t i = 0; i < times.size(); ++i) {
    if (presence.Test(i)) out.push_back(times[i]);
  }
  return out;
}

struct Built {
  std::string blob;
  std::vector<SlotModel> slots;
};

Built BuildRandom(Engine& rng) {
  Built built;
  SegmentBuilder builder;
  std::vector<std::vector<Timestamp>> columns(1 + rng() % 3);
  for (auto& column : columns) {
    column = testing::Times(rng, 1 + rng() % (rng() % 10 == 0 ? 1024 : 100),
                            static_cast<int64_t>(rng() % 4));
    builder.AddTimes(column);
  }
  for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
    if (rng() % 3 == 0) continue;
    const auto column = static_cast<uint32_t>(rng() % columns.size());
    const auto& times = columns[column];
    Presence presence;
    const auto style = rng() % 4;
    for (size_t i = 0; i < times.size(); ++i) {
      const bool present = style == 0 || (style == 1 && rng() % 10 != 0) ||
                           (style == 2 && i > times.size() / 2) || (style == 3 && rng() % 2 == 0);
      if (present) presence.Set(i);
    }
    if (presence.Count() == 0) {
      builder.AddSlot(slot, column, presence, {});
      continue;
    }
    SlotModel model{slot, Pick(times, presence), testing::AnySeries(rng, presence.Count())};
    builder.AddSlot(slot, column, presence, model.values);
    built.slots.push_back(std::move(model));
  }
  if (!builder.empty()) builder.Finish(built.blob);
  return built;
}

void ReadAll(SegmentReader& reader) {
  SegmentRun run;
  for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
    for (size_t r = 0; r < reader.RunCount(slot); ++r) (void)reader.ReadRun(slot, r, &run).ok();
  }
}

// Opens a copy whose memory ends with the blob, so that ASan sees reads behind it.
Status OpenExact(SegmentReader& reader, std::string_view blob) {
  const auto copy = std::make_unique<char[]>(blob.size());
  std::copy(blob.begin(), blob.end(), copy.get());
  const Status status = reader.Open({copy.get(), blob.size()});
  if (status.ok()) ReadAll(reader);
  return status;
}

TEST(Presence, RangesAndSearch) {
  Presence p;
  p.SetRange(3, 0);
  EXPECT_EQ(p.Count(), 0u);
  p.SetRange(60, 70);
  EXPECT_EQ(p.Count(), 70u);
  EXPECT_EQ(p.Find(0, true), 60u);
  EXPECT_EQ(p.Find(60, false), 130u);
  EXPECT_EQ(p.Find(130, true), kMaxColumnEntries);
  p.SetRange(0, kMaxColumnEntries);
  EXPECT_EQ(p.Find(0, false), kMaxColumnEntries);
}

TEST(Segment, RandomSegmentsRoundTrip) {
  Engine rng(21);
  SegmentReader reader;  // one for all: nothing of a blob may leak into the next
  for (int round = 0; round < 80; ++round) {
    const Built built = BuildRandom(rng);
    if (built.slots.empty()) continue;
    ASSERT_TRUE(reader.Open(built.blob).ok());
    size_t present = 0;
    for (unsigned slot = 0; slot < kSegmentSlots; ++slot) present += reader.Has(slot);
    ASSERT_EQ(present, built.slots.size());
    for (const SlotModel& model : built.slots) {
      ASSERT_EQ(reader.RunCount(model.slot), 1u);
      SegmentRun run;
      ASSERT_TRUE(reader.ReadRun(model.slot, 0, &run).ok());
      ASSERT_EQ(run.kind, RunKind::kFloat);
      ASSERT_TRUE(
          std::equal(run.times.begin(), run.times.end(), model.times.begin(), model.times.end()));
      ASSERT_EQ(run.values.size(), model.values.size());
      ASSERT_TRUE(testing::SameBits(model.values, run.values.data()));
      ASSERT_GE(run.times.front(), reader.min_time());
      ASSERT_LE(run.times.back(), reader.max_time());
    }
  }
}

TEST(Segment, AppendsBehindWhatTheStringHolds) {
  SegmentBuilder builder;
  const std::vector<Timestamp> times = {{10}, {20}};
  builder.AddSlot(0, builder.AddTimes(times), std::vector<double>{1, 2});
  EXPECT_EQ(builder.samples(), 2u);
  EXPECT_EQ(builder.min_time(), Timestamp{10});
  std::string out = "key";
  builder.Finish(out);
  SegmentReader reader;
  EXPECT_TRUE(reader.Open(std::string_view(out).substr(3)).ok());
}

// A series that changes kind has one run per kind; the reader tells them apart.
TEST(Segment, RunsKeepTheirKindsApart) {
  SegmentBuilder builder;
  const std::vector<Timestamp> times = {{0}, {15}, {30}, {45}, {60}, {75}};
  const uint32_t column = builder.AddTimes(times);
  Presence first, second;
  first.Set(0);
  first.Set(2);
  second.SetRange(4, 2);
  std::string values;
  EncodeValues(std::vector<double>{1, 2}, values);
  const std::string histogram = "\x03 opaque here";
  const SegmentBuilder::Run runs[] = {{&first, values}, {&second, histogram}};
  builder.AddRuns(5, column, runs);
  std::string blob;
  builder.Finish(blob);

  SegmentReader reader;
  ASSERT_TRUE(reader.Open(blob).ok());
  ASSERT_EQ(reader.RunCount(5), 2u);
  SegmentRun run;
  ASSERT_TRUE(reader.ReadRun(5, 0, &run).ok());
  EXPECT_EQ(run.kind, RunKind::kFloat);
  EXPECT_EQ(run.times.size(), 2u);
  EXPECT_EQ(run.times[1], Timestamp{30});
  ASSERT_TRUE(reader.ReadRun(5, 1, &run).ok());
  EXPECT_EQ(run.kind, RunKind::kHistogram);
  EXPECT_EQ(run.bytes, histogram);
  EXPECT_EQ(run.times[0], Timestamp{60});
  EXPECT_TRUE(run.values.empty());
}

TEST(Segment, GoldenBytes) {
  SegmentBuilder builder;
  const std::vector<Timestamp> times = {{1000}, {2000}, {3000}};
  const uint32_t column = builder.AddTimes(times);
  builder.AddSlot(0, column, std::vector<double>{7, 7, 7});
  Presence gap;
  gap.Set(0);
  gap.Set(2);
  builder.AddSlot(2, column, gap, std::vector<double>{1, 3});
  std::string blob;
  builder.Finish(blob);
  // Header, the column, slot 0 whole, slot 2 with a gap, the values, the checksum.
  EXPECT_EQ(Hex(blob),
            "0100d00fd00f0500000000000000"
            "0103d00fd00f00"
            "0102"
            "0001000301010105"
            "020e8200020204"
            "620c7edb");
}

// As the document has it: the segment above with start timestamps for slot 2.
TEST(Segment, GoldenBytesWithStarts) {
  SegmentBuilder builder;
  const std::vector<Timestamp> times = {{1000}, {2000}, {3000}};
  const uint32_t column = builder.AddTimes(times);
  builder.AddSlot(0, column, std::vector<double>{7, 7, 7});
  Presence ends;
  ends.Set(0);
  ends.Set(2);
  builder.AddSlot(2, column, ends, std::vector<double>{1, 3});
  builder.AddStarts(std::vector<Timestamp>{{500}, {500}});
  std::string blob;
  builder.Finish(blob);
  EXPECT_EQ(Hex(blob),
            "0200d00fd00f05000000000000000103d00fd00f0001020001000301010105"
            "040000000000000003"
            "020e8200020204"
            "02e807"
            "6f3406b6");
}

TEST(Segment, StartsBelongToTheSamplesOfTheirSlot) {
  Engine rng(23);
  SegmentReader reader;
  for (int round = 0; round < 50; ++round) {
    SegmentBuilder builder;
    const auto times = testing::Times(rng, 2 + rng() % 200, 2);
    const uint32_t column = builder.AddTimes(times);
    std::vector<std::vector<Timestamp>> expected(kSegmentSlots);
    for (unsigned slot = 0; slot < kSegmentSlots; slot += 1 + rng() % 20) {
      Presence first, second;
      for (size_t i = 0; i < times.size(); ++i)
        if (rng() % 4 != 0) (i < times.size() / 2 ? first : second).Set(i);
      std::string a, b;
      std::vector<SegmentBuilder::Run> runs;
      if (first.Count() > 0) {
        EncodeValues(testing::AnySeries(rng, first.Count()), a);
        runs.push_back({&first, a});
      }
      if (second.Count() > 0) {
        EncodeValues(testing::AnySeries(rng, second.Count()), b);
        runs.push_back({&second, b});
      }
      if (runs.empty()) continue;
      builder.AddRuns(slot, column, runs);
      if (rng() % 3 == 0) continue;
      auto& starts = expected[slot];
      for (size_t i = 0; i < first.Count() + second.Count(); ++i)
        starts.push_back(rng() % 5 == 0 ? kNoStart
                         : rng() % 2 == 0
                             ? Timestamp{1'700'000'000'000}
                             : Timestamp{static_cast<int64_t>(rng() >> 14) - (1 << 30)});
      starts.front() = {(int64_t{1} << 51) - 1};
      builder.AddStarts(starts);
    }
    if (builder.empty()) continue;
    std::string blob;
    builder.Finish(blob);
    ASSERT_TRUE(reader.Open(blob).ok());
    for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
      std::vector<Timestamp> starts;
      for (size_t r = 0; r < reader.RunCount(slot); ++r) {
        SegmentRun run;
        ASSERT_TRUE(reader.ReadRun(slot, r, &run).ok());
        ASSERT_TRUE(run.starts.empty() || run.starts.size() == run.times.size());
        starts.insert(starts.end(), run.starts.begin(), run.starts.end());
      }
      ASSERT_EQ(starts, expected[slot]) << slot;
    }
    for (size_t cut = 0; cut < blob.size(); cut += 1 + blob.size() / 50) {
      std::string damaged = blob.substr(0, cut);
      if (cut >= 4) {
        damaged.resize(cut - 4);
        PutFixed(damaged, Checksum32(damaged));
      }
      ASSERT_FALSE(OpenExact(reader, damaged).ok()) << cut;
    }
  }
}

TEST(Segment, EveryTruncationIsRefused) {
  Engine rng(22);
  SegmentReader reader;
  for (int round = 0; round < 10; ++round) {
    const Built built = BuildRandom(rng);
    if (built.slots.empty()) continue;
    const size_t step = 1 + built.blob.size() / 200;
    for (size_t cut = 0; cut < built.blob.size(); cut += step)
      ASSERT_FALSE(OpenExact(reader, std::string_view(built.blob).substr(0, cut)).ok());
  }
}

TEST(Segment, TheChecksumCatchesDamage) {
  Engine rng(23);
  SegmentReader reader;
  const Built built = BuildRandom(rng);
  for (int round = 0; round < 1000; ++round) {
    std::string blob = built.blob;
    blob[rng() % blob.size()] ^= static_cast<char>(1 << (rng() % 8));
    const Status status = OpenExact(reader, blob);
    ASSERT_FALSE(status.ok());
    ASSERT_EQ(status.error().code(), ErrorCode::kCorruption);
    ASSERT_EQ(reader.present(), 0u);
  }
}

// Damage that a checksum does not catch (a bug of a writer, an attacker) may give any error or any
// samples, but nothing worse.
TEST(Segment, DamageUnderAValidChecksumIsHarmless) {
  Engine rng(24);
  SegmentReader reader;
  size_t refused = 0;
  std::string whole;
  for (int round = 0; round < 2000; ++round) {
    if (round % 50 == 0) whole = BuildRandom(rng).blob;
    std::string blob = whole;
    blob.resize(blob.size() - 4);
    for (size_t i = 0, n = 1 + rng() % 3; i < n; ++i)
      blob[rng() % std::min<size_t>(blob.size(), round % 2 == 0 ? 60 : 4000)] =
          static_cast<char>(rng());
    PutFixed(blob, Checksum32(blob));
    refused += !OpenExact(reader, blob).ok();
  }
  EXPECT_GT(refused, 200u);
}

TEST(Segment, NewerVersionsAreNamed) {
  std::string blob("\x03\x00", 2);
  PutFixed(blob, Checksum32(blob));
  SegmentReader reader;
  const Status status = reader.Open(blob);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(status.error().message(), "segment of version 3");
}

FileHeader RandomHeader(Engine& rng) {
  FileHeader h;
  h.kind = static_cast<FileKind>(1 + rng() % 4);
  uint64_t id = 1 + rng() % 100;
  for (size_t i = 0, n = 1 + rng() % 20; i < n; ++i, id += 1 + rng() % 3) h.covers.Append(id);
  for (size_t i = 0, n = rng() % 20; i < n; ++i, id += 1 + rng() % 3) h.groups.Append(id);
  h.min_time = {static_cast<int64_t>(rng())};
  h.max_time = {static_cast<int64_t>(rng())};
  h.samples = rng();
  h.bytes = rng() >> 30;
  h.late_samples = rng() % 10;
  h.tombstone = rng() % 3;
  for (size_t i = 0, n = rng() % 30; i < n; ++i)
    h.marks.push_back({id += 1 + rng() % 5, rng(), {static_cast<int64_t>(rng())}});
  if (h.kind == FileKind::kLevel) {
    h.built_from.Append(rng() >> 8);
    h.complete_from = {-5};
    h.complete_to = {static_cast<int64_t>(rng() >> 1)};
  }
  return h;
}

TEST(FileHeader, RoundTripsAndRefusesDamage) {
  Engine rng(25);
  for (int round = 0; round < 500; ++round) {
    const FileHeader header = RandomHeader(rng);
    std::string bytes;
    EncodeFileHeader(header, bytes);
    auto decoded = DecodeFileHeader(bytes);
    ASSERT_TRUE(decoded.ok());
    ASSERT_EQ(*decoded, header);
    for (size_t cut = 0; cut < bytes.size(); ++cut)
      ASSERT_FALSE(DecodeFileHeader(std::string_view(bytes).substr(0, cut)).ok());
    bytes[rng() % bytes.size()] ^= static_cast<char>(1 + rng() % 255);
    ASSERT_FALSE(DecodeFileHeader(bytes).ok());
    bytes.resize(bytes.size() - 4);
    bytes[rng() % bytes.size()] = static_cast<char>(rng());
    PutFixed(bytes, Checksum32(bytes));
    (void)DecodeFileHeader(bytes).ok();
  }
}

TEST(FileHeader, GoldenBytes) {
  FileHeader h;
  h.covers.Append(5);
  h.min_time = {1000};
  h.max_time = {2000};
  h.samples = 10;
  h.bytes = 300;
  h.groups.Append(1);
  h.groups.Append(2);
  h.groups.Append(9);
  h.marks.push_back({1, 77, {2000}});
  h.marks.push_back({9, 78, {2000}});
  std::string bytes;
  EncodeFileHeader(h, bytes);
  EXPECT_EQ(Hex(bytes), "0101010501d00fa01f0aac020002010206010002014da01f084ea01f2a7f28c3");
}

TEST(IdRanges, MergeAndContain) {
  IdRanges a, b, c;
  for (const uint64_t id : {1, 2, 3, 7}) a.Append(id);
  for (const uint64_t id : {4, 6, 9}) b.Append(id);
  EXPECT_EQ(a.ranges().size(), 2u);
  EXPECT_FALSE(a.ContainsAll(b));
  c = a;
  c.Merge(b);
  EXPECT_EQ(c.ranges(), (std::vector<IdRange>{{1, 4}, {6, 2}, {9, 1}}));
  EXPECT_TRUE(c.ContainsAll(a));
  EXPECT_TRUE(c.ContainsAll(b));
  EXPECT_TRUE(c.Contains(7));
  EXPECT_FALSE(c.Contains(5));
  EXPECT_FALSE(c.Contains(0));
  EXPECT_EQ(c.front(), 1u);
  EXPECT_EQ(c.back(), 9u);
}

}  // namespace
}  // namespace tocsin::storage
