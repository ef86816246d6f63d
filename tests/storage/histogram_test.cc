// Native histograms through log, head, files, merges and deletions.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000 - 3'600'000;
const Labels kA{{"__name__", "a"}};
const Labels kB{{"__name__", "b"}};

Histogram Make(int i) {
  Histogram h;
  h.integer = true;
  h.schema = 3;
  h.zero_threshold = 1e-128;
  h.zero_count = i;
  h.positive_spans = {{-2, 2}, {3, 1}};
  h.positive_buckets = {1.0 * i, 2.0 * i, 3};
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {5};
  h.count = 7.0 * i;
  h.sum = i * 0.5;
  return h;
}

struct Read {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<std::optional<Histogram>> histograms;
};

class HistogramTest : public ::testing::Test {
 protected:
  HistogramTest() { store.Open(); }

  Status Append(const Labels& labels, int64_t t, const Histogram& h, RowResult* rows = nullptr) {
    auto appender = store.db->NewAppender();
    const SeriesRef ref = *appender->Resolve(labels);
    if (Status status = appender->AppendHistogram(ref, {t}, h); !status.ok()) return status;
    const RowResult result = Store::Commit(*appender);
    if (rows != nullptr) *rows = result;
    return OkStatus();
  }

  Read ReadOne(const Labels& labels) {
    Read out;
    const std::vector<Matcher> matchers{
        Matcher(MatchOp::kEqual, "__name__", std::string(labels.name()))};
    auto set = store.db->Select(matchers, kMinTimestamp, kMaxTimestamp, {});
    EXPECT_TRUE(set.ok());
    if ((*set)->size() == 0) return out;
    auto reader = (*set)->NewReader();
    EXPECT_TRUE(reader->Seek(0).ok());
    SampleBlock block;
    while (*reader->Next(&block))
      for (size_t i = 0; i < block.size(); ++i) {
        out.times.push_back(block.times[i].ms);
        out.values.push_back(block.values[i]);
        const Histogram* h = block.histograms.empty() ? nullptr : block.histograms[i];
        out.histograms.push_back(h == nullptr ? std::nullopt : std::optional<Histogram>(*h));
      }
    EXPECT_TRUE((*set)->warnings().empty());
    return out;
  }

  void ExpectAll(int from, int to) {
    const Read read = ReadOne(kA);
    ASSERT_EQ(read.times.size(), static_cast<size_t>(to - from));
    for (int i = from; i < to; ++i) {
      const auto at = static_cast<size_t>(i - from);
      EXPECT_EQ(read.times[at], kNow + i * 1000);
      EXPECT_EQ(read.values[at], 7.0 * i);
      ASSERT_TRUE(read.histograms[at].has_value());
      EXPECT_EQ(*read.histograms[at], Make(i)) << i;
    }
  }

  Store store;
};

TEST_F(HistogramTest, AnswersFromTheHeadTheLogAndFiles) {
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(Append(kA, kNow + i * 1000, Make(i)).ok());
  ExpectAll(0, 600);
  store.Crash();
  ExpectAll(0, 600);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.db->Stats().min_time, kMaxTimestamp);
  ExpectAll(0, 600);
  for (int i = 600; i < 700; ++i) ASSERT_TRUE(Append(kA, kNow + i * 1000, Make(i)).ok());
  ExpectAll(0, 700);
  ASSERT_TRUE(store.db->Compact().ok());  // merges
  store.Crash();
  ExpectAll(0, 700);
}

TEST_F(HistogramTest, KindsMayAlternate) {
  for (int i = 0; i < 50; ++i) {
    if (i % 10 < 5)
      ASSERT_TRUE(Append(kA, kNow + i * 1000, Make(i)).ok());
    else
      store.Append({kNow + i * 1000}, {{kA, i}, {kB, i}});
  }
  const auto check = [&] {
    const Read read = ReadOne(kA);
    ASSERT_EQ(read.times.size(), 50u);
    for (size_t i = 0; i < 50; ++i) {
      EXPECT_EQ(read.histograms[i].has_value(), i % 10 < 5);
      EXPECT_EQ(read.values[i], i % 10 < 5 ? 7.0 * static_cast<double>(i) : static_cast<double>(i));
    }
    EXPECT_EQ(ReadOne(kB).times.size(), 25u);
  };
  check();
  store.Crash();
  check();
  ASSERT_TRUE(store.db->Compact().ok());
  check();
}

TEST_F(HistogramTest, StaleMarkersAndDuplicates) {
  Histogram stale;
  stale.sum = StaleMarker();
  ASSERT_TRUE(Append(kA, kNow, Make(1)).ok());
  ASSERT_TRUE(Append(kA, kNow + 1000, stale).ok());
  RowResult rows;
  ASSERT_TRUE(Append(kA, kNow + 1000, stale, &rows).ok());
  EXPECT_EQ(rows.duplicates, 0u);
  ASSERT_TRUE(Append(kA, kNow, Make(2), &rows).ok());
  EXPECT_EQ(rows.duplicates, 1u);
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_TRUE(store.db->Compact().ok());
    }
    const Read read = ReadOne(kA);
    ASSERT_EQ(read.times.size(), 2u);
    EXPECT_EQ(*read.histograms[0], Make(1));
    ASSERT_TRUE(read.histograms[1].has_value());
    EXPECT_TRUE(IsStale(read.histograms[1]->sum));
  }
}

TEST_F(HistogramTest, DeletionsTakeThemToo) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(kA, kNow + i * 1000, Make(i)).ok());
  const std::vector<Matcher> a{Matcher(MatchOp::kEqual, "__name__", "a")};
  ASSERT_TRUE(store.db->DeleteSeries(a, {kNow}, {kNow + 4000}).ok());
  ExpectAll(5, 20);
  store.Crash();
  ExpectAll(5, 20);
  ASSERT_TRUE(store.db->Compact().ok());
  ASSERT_TRUE(store.db->DeleteSeries(a, {kNow}, {kNow + 9000}).ok());
  ExpectAll(10, 20);
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectAll(10, 20);
}

TEST_F(HistogramTest, MalformedOnesAreRefused) {
  Histogram bad = Make(1);
  bad.positive_buckets.pop_back();
  const Status status = Append(kA, kNow, bad);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Append(kA, -5, Make(1)).error().code(), ErrorCode::kOutOfBounds);
}

}  // namespace
}  // namespace tocsin::storage
