#include "storage/codec/log_row.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "tests/storage/codec_samples.h"

namespace tocsin::storage {
namespace {

using testing::Engine;
using testing::Hex;

std::vector<SeriesRef> Ids(std::initializer_list<uint64_t> ids) {
  std::vector<SeriesRef> out;
  for (const uint64_t id : ids) out.push_back({id});
  return out;
}

Status DecodeExact(LogRowDecoder& decoder, std::string_view row, LogRow* out) {
  const auto copy = std::make_unique<char[]>(row.size());
  std::copy(row.begin(), row.end(), copy.get());
  return decoder.Decode({copy.get(), row.size()}, out);
}

// One owner as a writer sees it, with what its next row should read as.
struct OwnerModel {
  uint64_t owner = 0;
  OwnerLogState state;
  std::vector<SeriesRef> ids;
  std::vector<double> values;
  Timestamp t{1'700'000'000'000};
};

void Relayout(Engine& rng, OwnerModel& o) {
  std::vector<SeriesRef> ids;
  std::vector<double> values;
  for (size_t i = 0; i < o.ids.size(); ++i) {
    if (rng() % 10 == 0) continue;
    ids.push_back(o.ids[i]);
    values.push_back(o.values[i]);
  }
  for (size_t i = 0, n = 1 + rng() % 20; i < n; ++i) {
    ids.push_back({rng() % 2 == 0 || ids.empty() ? rng() >> 20 : ids.back().id + 1});
    values.push_back(0);
  }
  o.ids = std::move(ids);
  o.values = std::move(values);
}

void Change(Engine& rng, std::vector<double>& values) {
  for (double& v : values) {
    const auto kind = rng() % 8;
    if (kind < 4) continue;
    v = kind == 7 ? testing::AnyBits(rng, 1)[0] : v + static_cast<double>(rng() % 100);
  }
}

void ExpectSamples(const LogRow& row, const std::vector<SeriesRef>& ids,
                   const std::vector<double>& values) {
  ASSERT_TRUE(std::equal(row.series.begin(), row.series.end(), ids.begin(), ids.end()));
  ASSERT_EQ(row.values.size(), values.size());
  ASSERT_TRUE(testing::SameBits(values, row.values.data()));
}

TEST(LogRow, TimelinesOfSeveralOwnersReplay) {
  Engine rng(31);
  LogRowDecoder decoder;
  std::vector<OwnerModel> owners(4);
  for (size_t i = 0; i < owners.size(); ++i) owners[i].owner = 64 * (i + 1);
  for (int round = 0; round < 3000; ++round) {
    OwnerModel& o = owners[rng() % owners.size()];
    LogRow out;
    if (o.ids.empty() || rng() % 20 == 0) {
      Relayout(rng, o);
      std::string row;
      const bool anew = !o.state.has_layout() || rng() % 4 == 0;
      LogRowEncoder::Layout(o.owner, o.state, anew, o.ids, row);
      ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
      ASSERT_EQ(out.kind, LogRowKind::kLayout);
      ASSERT_EQ(out.owner, o.owner);
      ASSERT_EQ(out.anew, anew);
      ASSERT_TRUE(std::equal(out.series.begin(), out.series.end(), o.ids.begin(), o.ids.end()));
    }
    Change(rng, o.values);
    o.t.ms += static_cast<int64_t>(rng() % 30000) - 1000;
    std::string row;
    if (rng() % 3 != 0) {
      LogRowEncoder::Timeline(o.owner, o.state, o.t, o.values, row);
      ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
      ASSERT_NO_FATAL_FAILURE(ExpectSamples(out, o.ids, o.values)) << round;
    } else {
      std::vector<uint32_t> positions;
      std::vector<SeriesRef> ids;
      std::vector<double> values;
      const unsigned thin = 1 + rng() % 10;
      for (uint32_t i = 0; i < o.ids.size(); ++i) {
        if (rng() % thin != 0 && i + 1 != o.ids.size()) continue;
        positions.push_back(i);
        ids.push_back(o.ids[i]);
        values.push_back(o.values[i]);
      }
      LogRowEncoder::Timeline(o.owner, o.state, o.t, positions, values, row);
      ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
      ASSERT_NO_FATAL_FAILURE(ExpectSamples(out, ids, values)) << round;
    }
    ASSERT_EQ(out.kind, LogRowKind::kTimeline);
    ASSERT_EQ(out.owner, o.owner);
    ASSERT_EQ(out.t, o.t);
  }
}

TEST(LogRow, SparseSamplesRoundTrip) {
  Engine rng(32);
  LogRowDecoder decoder;
  for (int round = 0; round < 500; ++round) {
    std::vector<SparseSample> samples(rng() % 50);
    SparseSample at{{rng() >> 30}, {static_cast<int64_t>(rng())}, 0};
    for (SparseSample& s : samples) {
      if (rng() % 3 == 0) at.series.id = rng() >> (rng() % 64);
      at.t.ms = static_cast<int64_t>(static_cast<uint64_t>(at.t.ms) + rng() % 100000);
      at.value = testing::AnyBits(rng, 1)[0];
      s = at;
    }
    std::string row;
    LogRowEncoder::Sparse(samples, row);
    LogRow out;
    ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
    ASSERT_EQ(out.kind, LogRowKind::kSparse);
    ASSERT_EQ(out.sparse.size(), samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      ASSERT_EQ(out.sparse[i].series, samples[i].series);
      ASSERT_EQ(out.sparse[i].t, samples[i].t);
      ASSERT_EQ(std::bit_cast<uint64_t>(out.sparse[i].value),
                std::bit_cast<uint64_t>(samples[i].value));
    }
  }
}

TEST(LogRow, OtherKindsRoundTrip) {
  LogRowDecoder decoder;
  LogRow out;
  std::string row;
  const std::vector<uint64_t> groups = {7, 3, 900};
  LogRowEncoder::Owner(64, groups, row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  EXPECT_EQ(out.kind, LogRowKind::kOwner);
  EXPECT_EQ(out.owner, 64u);
  EXPECT_TRUE(std::equal(out.groups.begin(), out.groups.end(), groups.begin(), groups.end()));

  row.clear();
  const TombstoneRow tombstone{3, {-5}, {kMaxTimestamp}, 12, Ids({1, 2, 1000})};
  LogRowEncoder::Tombstone(tombstone, row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  EXPECT_EQ(out.kind, LogRowKind::kTombstone);
  EXPECT_EQ(out.tombstone, tombstone);

  row.clear();
  const MetadataRow metadata{"up", {MetricType::kGauge, "", "Whether the target answers."}};
  LogRowEncoder::MetadataOf(metadata, row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  EXPECT_EQ(out.kind, LogRowKind::kExtra);
  EXPECT_EQ(out.metadata, metadata);
}

TEST(LogRow, AfterAHoleOwnersWaitForAFullLayout) {
  LogRowDecoder decoder;
  OwnerLogState state;
  LogRow out;
  std::string layout, first, second, changed, anew, third;
  LogRowEncoder::Layout(64, state, true, Ids({1, 2}), layout);
  LogRowEncoder::Timeline(64, state, {1000}, std::vector<double>{5, 6}, first);
  LogRowEncoder::Timeline(64, state, {2000}, std::vector<double>{5, 7}, second);
  LogRowEncoder::Layout(64, state, false, Ids({1, 2, 3}), changed);
  LogRowEncoder::Layout(64, state, true, Ids({1, 2, 3}), anew);
  LogRowEncoder::Timeline(64, state, {3000}, std::vector<double>{5, 7, 1}, third);
  ASSERT_TRUE(decoder.Decode(layout, &out).ok());
  ASSERT_TRUE(decoder.Decode(first, &out).ok());
  EXPECT_FALSE(out.skipped);
  decoder.Hole();
  ASSERT_TRUE(decoder.Decode(second, &out).ok());
  EXPECT_TRUE(out.skipped);
  EXPECT_TRUE(out.series.empty());
  ASSERT_TRUE(decoder.Decode(changed, &out).ok());
  EXPECT_TRUE(out.skipped);
  ASSERT_TRUE(decoder.Decode(anew, &out).ok());
  EXPECT_FALSE(out.skipped);
  ASSERT_TRUE(decoder.Decode(third, &out).ok());
  EXPECT_EQ(out.t, Timestamp{3000});
  ExpectSamples(out, Ids({1, 2, 3}), {5, 7, 1});
}

TEST(LogRow, GoldenBytes) {
  OwnerLogState state;
  std::string row;
  LogRowEncoder::Layout(64, state, true, Ids({64, 65, 66, 70}), row);
  EXPECT_EQ(Hex(row), "044001028001030601");
  row.clear();
  LogRowEncoder::Timeline(64, state, {1000}, std::vector<double>{0, 5, 0.5, 0}, row);
  EXPECT_EQ(Hex(row), "0140d00f0114001de03f01");
  row.clear();
  LogRowEncoder::Timeline(64, state, {16000}, std::vector<double>{0, 6, 0.5, 0}, row);
  EXPECT_EQ(Hex(row), "0140b0ea01010402");
  row.clear();
  LogRowEncoder::Timeline(64, state, {31000}, std::vector<uint32_t>{1, 2},
                          std::vector<double>{6, 0.75}, row);
  EXPECT_EQ(Hex(row), "0140b0ea01008101010d08008101");
  row.clear();
  const SparseSample samples[] = {{{64}, {1000}, 3}, {{64}, {2000}, 4}, {{66}, {1000}, 0.5}};
  LogRowEncoder::Sparse(samples, row);
  EXPECT_EQ(Hex(row), "02038001d00f0c00d00f0404cf0f1de03f");
  row.clear();
  LogRowEncoder::Owner(64, std::vector<uint64_t>{1, 2}, row);
  EXPECT_EQ(Hex(row), "0540020202");
  row.clear();
  LogRowEncoder::Tombstone({3, {-1}, {1000}, 9, Ids({64, 70})}, row);
  EXPECT_EQ(Hex(row), "060301d00f09024006");
  row.clear();
  LogRowEncoder::MetadataOf({"up", {MetricType::kGauge, "s", "h"}}, row);
  EXPECT_EQ(Hex(row), "07010275700201730168");
}

TEST(LogRow, GoldenBytesOfStarts) {
  OwnerLogState state;
  std::string layout, row;
  LogRowEncoder::Layout(64, state, true, Ids({64, 65, 66}), layout);
  LogRowEncoder::Starts(std::vector<Timestamp>{{500}, {500}, kNoStart}, row);
  LogRowEncoder::Timeline(64, state, {1000}, std::vector<double>{0, 5, 0}, row);
  EXPECT_EQ(Hex(row),
            "080202e80701e707"
            "0140d00f011401");
}

TEST(LogRow, StartsComeWithTheRowInside) {
  LogRowDecoder decoder;
  LogRow out;
  OwnerLogState state;
  std::string row;
  LogRowEncoder::Layout(64, state, true, Ids({64, 65, 66}), row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  row.clear();
  LogRowEncoder::Starts(std::vector<Timestamp>{{500}, kNoStart, {-7}}, row);
  LogRowEncoder::Timeline(64, state, {1000}, std::vector<double>{0, 5, 0}, row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  EXPECT_EQ(out.kind, LogRowKind::kTimeline);
  ExpectSamples(out, Ids({64, 65, 66}), {0, 5, 0});
  EXPECT_EQ(std::vector(out.starts.begin(), out.starts.end()),
            (std::vector<Timestamp>{{500}, kNoStart, {-7}}));
  // Absent series have none.
  row.clear();
  LogRowEncoder::Starts(std::vector<Timestamp>{{9}}, row);
  LogRowEncoder::Timeline(64, state, {2000}, std::vector<uint32_t>{1}, std::vector<double>{6}, row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  ASSERT_EQ(out.starts.size(), 1u);
  row.clear();
  const std::vector<SparseSample> samples = {{{64}, {1}, 2}, {{70}, {1}, 3}};
  LogRowEncoder::Starts(std::vector<Timestamp>{kNoStart, {9}}, row);
  LogRowEncoder::Sparse(samples, row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  EXPECT_EQ(out.kind, LogRowKind::kSparse);
  EXPECT_EQ(std::vector(out.starts.begin(), out.starts.end()),
            (std::vector<Timestamp>{kNoStart, {9}}));
  row.clear();
  LogRowEncoder::Sparse(samples, row);
  ASSERT_TRUE(DecodeExact(decoder, row, &out).ok());
  EXPECT_TRUE(out.starts.empty());
  // Too many, too few, none inside.
  for (const size_t n : {1u, 3u}) {
    row.clear();
    LogRowEncoder::Starts(std::vector<Timestamp>(n, Timestamp{5}), row);
    const size_t header = row.size();
    LogRowEncoder::Sparse(samples, row);
    EXPECT_FALSE(DecodeExact(decoder, row, &out).ok());
    EXPECT_FALSE(DecodeExact(decoder, row.substr(0, header), &out).ok());
    // A row of starts inside a row of starts.
    EXPECT_FALSE(DecodeExact(decoder, row.substr(0, header) + row, &out).ok());
  }
}

TEST(LogRow, ScrapesTakeFewBytes) {
  Engine rng(33);
  OwnerLogState state;
  std::vector<SeriesRef> ids;
  std::vector<std::vector<double>> series;
  for (uint64_t i = 0; i < 500; ++i) {
    ids.push_back({64 + i});
    series.push_back(i % 3 == 0 ? testing::Counter(rng, 100) : testing::Sluggish(rng, 100));
  }
  std::string row;
  LogRowEncoder::Layout(64, state, true, ids, row);
  EXPECT_LT(row.size(), 12u);
  size_t bytes = 0;
  for (size_t i = 0; i < 100; ++i) {
    std::vector<double> values;
    for (const auto& s : series) values.push_back(s[i]);
    row.clear();
    LogRowEncoder::Timeline(64, state, {static_cast<int64_t>(i) * 15000}, values, row);
    if (i > 0) bytes += row.size();
  }
  EXPECT_LT(static_cast<double>(bytes) / (99 * 500), 1.3);
}

TEST(LogRow, TruncationIsRefused) {
  Engine rng(34);
  OwnerLogState state;
  std::vector<SeriesRef> ids;
  for (uint64_t i = 0; i < 40; ++i) ids.push_back({64 + 2 * i});
  std::string layout;
  LogRowEncoder::Layout(64, state, true, ids, layout);
  const auto values = testing::AnyBits(rng, 40);
  std::string timeline, sparse, metadata, started;
  LogRowEncoder::Timeline(64, state, {1000}, values, timeline);
  std::vector<SparseSample> samples;
  for (size_t i = 0; i < 40; ++i) samples.push_back({ids[i], {1}, values[i]});
  LogRowEncoder::Sparse(samples, sparse);
  LogRowEncoder::MetadataOf({"name", {MetricType::kCounter, "unit", "help"}}, metadata);
  LogRowEncoder::Starts(std::vector<Timestamp>(40, Timestamp{1'700'000'000'000}), started);
  LogRowEncoder::Sparse(samples, started);
  for (const std::string* row : {&layout, &timeline, &sparse, &metadata, &started}) {
    for (size_t cut = 0; cut < row->size(); ++cut) {
      LogRowDecoder decoder;
      LogRow out;
      ASSERT_TRUE(row == &layout || decoder.Decode(layout, &out).ok());
      ASSERT_FALSE(DecodeExact(decoder, std::string_view(*row).substr(0, cut), &out).ok()) << cut;
    }
    LogRowDecoder decoder;
    LogRow out;
    ASSERT_TRUE(row == &layout || decoder.Decode(layout, &out).ok());
    ASSERT_FALSE(DecodeExact(decoder, *row + '\0', &out).ok());
  }
}

TEST(LogRow, DamagedRowsAreHarmless) {
  Engine rng(35);
  for (int round = 0; round < 100; ++round) {
    LogRowDecoder decoder;
    OwnerModel o;
    o.owner = 64;
    for (int i = 0; i < 30; ++i) {
      std::string row;
      if (o.ids.empty() || rng() % 8 == 0) {
        Relayout(rng, o);
        LogRowEncoder::Layout(o.owner, o.state, !o.state.has_layout(), o.ids, row);
      } else {
        Change(rng, o.values);
        LogRowEncoder::Timeline(o.owner, o.state, {i * 1000}, o.values, row);
      }
      if (rng() % 3 == 0) row[rng() % row.size()] = static_cast<char>(rng());
      LogRow out;
      (void)DecodeExact(decoder, row, &out).ok();
    }
  }
}

TEST(LogRow, UnknownRowsAreNamed) {
  LogRowDecoder decoder;
  LogRow out;
  EXPECT_EQ(decoder.Decode("\x11", &out).error().message(), "log row of version 1");
  EXPECT_EQ(decoder.Decode("\x0f", &out).error().message(), "log row of kind 15");
  EXPECT_EQ(decoder.Decode("", &out).error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace tocsin::storage
