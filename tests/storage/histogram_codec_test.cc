#include "storage/codec/histogram_codec.h"

#include <gtest/gtest.h>

#include <memory>

#include "storage/codec/log_row.h"
#include "storage/codec/segment.h"
#include "tests/storage/codec_samples.h"

namespace tocsin::storage {
namespace {

using testing::Engine;
using testing::Hex;

uint64_t Bits(double v) { return std::bit_cast<uint64_t>(v); }

bool SameBits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && testing::SameBits(a, b.data());
}

// Bit by bit: NaN counts as equal to itself.
bool Same(const Histogram& a, const Histogram& b) {
  return a.integer == b.integer && a.reset_hint == b.reset_hint && a.schema == b.schema &&
         Bits(a.zero_threshold) == Bits(b.zero_threshold) &&
         Bits(a.zero_count) == Bits(b.zero_count) && Bits(a.count) == Bits(b.count) &&
         Bits(a.sum) == Bits(b.sum) && a.positive_spans == b.positive_spans &&
         a.negative_spans == b.negative_spans && SameBits(a.custom_values, b.custom_values) &&
         SameBits(a.positive_buckets, b.positive_buckets) &&
         SameBits(a.negative_buckets, b.negative_buckets);
}

Histogram Small() {
  Histogram h;
  h.integer = true;
  h.schema = 3;
  h.zero_threshold = 0.001;
  h.zero_count = 2;
  h.count = 12;
  h.sum = 18.4;
  h.positive_spans = {{0, 2}, {1, 2}};
  h.positive_buckets = {1, 2, 3, 4};
  return h;
}

void AddSide(Engine& rng, std::vector<Histogram::Span>& spans, std::vector<double>& buckets) {
  for (size_t i = 0, n = rng() % 4; i < n; ++i) {
    const auto length = static_cast<uint32_t>(rng() % 5);
    spans.push_back({static_cast<int32_t>(rng() % 9) - 4, length});
    for (uint32_t b = 0; b < length; ++b) buckets.push_back(static_cast<double>(rng() % 1000));
  }
}

Histogram Random(Engine& rng) {
  Histogram h;
  h.integer = rng() % 3 != 0;
  h.reset_hint = static_cast<CounterResetHint>(rng() % 4);
  h.schema = static_cast<int32_t>(rng() % 13) - 4;
  h.zero_threshold = rng() % 2 == 0 ? 0x1p-128 : 0;
  h.zero_count = static_cast<double>(rng() % 100);
  h.count = h.integer ? static_cast<double>(rng() % 100000) : testing::AnyBits(rng, 1)[0];
  h.sum = testing::AnyBits(rng, 1)[0];
  AddSide(rng, h.positive_spans, h.positive_buckets);
  AddSide(rng, h.negative_spans, h.negative_buckets);
  if (rng() % 5 == 0) {
    h.schema = kCustomBucketsSchema;
    h.custom_values = {0.5, 1, 2.5};
  }
  if (IsStale(h.sum)) h.sum = 0;
  return h;
}

// The next sample of a living histogram: mostly the same layout, larger counts.
void Advance(Engine& rng, Histogram& h) {
  if (rng() % 15 == 0) {
    h = Random(rng);
    return;
  }
  for (auto* side : {&h.positive_buckets, &h.negative_buckets}) {
    for (double& bucket : *side) bucket += static_cast<double>(rng() % 4);
  }
  h.sum += 0.25;
  h.count += static_cast<double>(rng() % 10);
  h.reset_hint = CounterResetHint::kNotReset;
  if (IsStale(h.sum)) h.sum = 0;
}

Histogram Marker(const Histogram& like) {
  Histogram h;
  h.sum = StaleMarker();
  h.integer = like.integer;
  h.reset_hint = like.reset_hint;
  return h;
}

std::vector<Histogram> Series(Engine& rng, size_t n) {
  std::vector<Histogram> out;
  Histogram h = Random(rng);
  for (size_t i = 0; i < n; ++i) {
    out.push_back(rng() % 20 == 0 ? Marker(h) : h);
    Advance(rng, h);
  }
  return out;
}

std::string Encoded(const std::vector<Histogram>& series) {
  std::vector<const Histogram*> pointers;
  for (const Histogram& h : series) pointers.push_back(&h);
  std::string out;
  EncodeHistograms(pointers, out);
  return out;
}

Status DecodeExact(std::string_view column, std::span<Histogram> out) {
  const auto copy = std::make_unique<char[]>(column.size());
  std::copy(column.begin(), column.end(), copy.get());
  return DecodeHistograms({copy.get(), column.size()}, out);
}

TEST(HistogramCodec, RandomColumnsRoundTrip) {
  Engine rng(41);
  std::vector<Histogram> out;  // one for all: leftovers must not show
  for (int round = 0; round < 500; ++round) {
    const auto series = Series(rng, 1 + rng() % 80);
    out.resize(series.size());
    ASSERT_TRUE(DecodeExact(Encoded(series), out).ok());
    for (size_t i = 0; i < series.size(); ++i) ASSERT_TRUE(Same(series[i], out[i])) << round;
  }
}

TEST(HistogramCodec, GoldenBytes) {
  Histogram next = Small();
  next.count = 13;
  next.positive_buckets[3] = 5;
  EXPECT_EQ(Hex(Encoded({Small(), next, Marker(next)})),
            "0301"
            "06fca9f1d24d62503f"  // schema, zero threshold
            "020002020200"        // spans 0+2, 1+2; no negative ones
            "00"                  // no custom bounds
            "02020000010008"      // two samples, a marker
            "0782000118020101"    // counts 12 13 -
            "020204"              // zero count
            "0900666666666666324002020202020202020207"
            "82000102020101");
}

TEST(HistogramCodec, GrowingBucketsCostFewBits) {
  Engine rng(42);
  std::vector<Histogram> series;
  Histogram h = Small();
  for (int i = 0; i < 240; ++i) {
    series.push_back(h);
    for (double& bucket : h.positive_buckets) bucket += static_cast<double>(rng() % 4);
    h.count += 6;
    h.sum += 0.5;
  }
  EXPECT_LT(Encoded(series).size(), 240u * 3);
}

TEST(HistogramCodec, OnlyMatchingSpansAreEncodable) {
  Histogram h = Small();
  EXPECT_TRUE(IsEncodable(h));
  h.positive_buckets.pop_back();
  EXPECT_FALSE(IsEncodable(h));
  h = Small();
  h.negative_spans = {{0, kMaxHistogramBuckets}};
  h.negative_buckets.resize(kMaxHistogramBuckets);
  EXPECT_FALSE(IsEncodable(h));
}

TEST(HistogramCodec, DamageIsHarmless) {
  Engine rng(43);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto series = Series(rng, 1 + rng() % 10);
    std::string column = Encoded(series);
    std::vector<Histogram> out(series.size());
    if (round % 2 == 0) {
      column.resize(rng() % column.size());
      ASSERT_FALSE(DecodeExact(column, out).ok());
    } else {
      column[rng() % column.size()] = static_cast<char>(rng());
      refused += !DecodeExact(column, out).ok();
    }
  }
  EXPECT_GT(refused, 300u);
}

TEST(HistogramCodec, LiesInSegmentsAndLogRows) {
  const std::vector<Histogram> series = {Small(), Small()};
  const std::string column = Encoded(series);
  SegmentBuilder builder;
  const std::vector<Timestamp> times = {{1}, {2}};
  Presence all;
  all.SetRange(0, 2);
  const SegmentBuilder::Run run{&all, column};
  builder.AddRuns(0, builder.AddTimes(times), {&run, 1});
  std::string blob;
  builder.Finish(blob);
  SegmentReader reader;
  SegmentRun read;
  ASSERT_TRUE(reader.Open(blob).ok());
  ASSERT_TRUE(reader.ReadRun(0, 0, &read).ok());
  ASSERT_EQ(read.kind, RunKind::kHistogram);
  std::vector<Histogram> out(read.times.size());
  ASSERT_TRUE(DecodeHistograms(read.bytes, out).ok());
  EXPECT_EQ(out, series);

  std::string row;
  LogRowEncoder::HistogramSample({77}, {1000}, Small(), row);
  LogRowDecoder decoder;
  LogRow decoded;
  ASSERT_TRUE(decoder.Decode(row, &decoded).ok());
  EXPECT_EQ(decoded.kind, LogRowKind::kHistogram);
  EXPECT_EQ(decoded.histogram_series, SeriesRef{77});
  EXPECT_EQ(decoded.t, Timestamp{1000});
  EXPECT_EQ(*decoded.histogram, Small());
  for (size_t cut = 0; cut < row.size(); ++cut)
    EXPECT_FALSE(decoder.Decode(std::string_view(row).substr(0, cut), &decoded).ok());
}

}  // namespace
}  // namespace tocsin::storage
