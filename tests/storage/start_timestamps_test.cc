// Start timestamps through log, head, files, merges and deletions.
#include <gtest/gtest.h>

#include <random>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000 - 6 * 3'600'000;

Labels SeriesOf(int i) { return {{"__name__", "m"}, {"i", std::to_string(i)}, {"job", "x"}}; }

// What a sample was written with.
struct Written {
  double value = 0;
  bool histogram = false;
  int64_t start = 0;
  bool operator==(const Written&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Written& w) {
  return out << w.value << (w.histogram ? " histogram" : "") << " since " << w.start;
}
using Series = std::map<int64_t, Written>;

class StartTimestamps : public ::testing::Test {
 protected:
  static constexpr int kSeries = 12;

  StartTimestamps() {
    store.Open();
    hints.resize(1);
  }

  // One row for all series; starts[i] 0: none.
  void Row(int64_t t, const std::vector<double>& values, const std::vector<int64_t>& starts) {
    auto appender = store.db->NewAppender();
    std::vector<SeriesRef> refs;
    std::vector<Timestamp> of;
    for (size_t i = 0; i < values.size(); ++i) {
      refs.push_back(*appender->Resolve(SeriesOf(static_cast<int>(i))));
      of.push_back({starts[i]});
    }
    appender->AppendRow(hints[0], {t}, refs, values, of);
    Store::Commit(*appender);
    for (size_t i = 0; i < values.size(); ++i)
      model[static_cast<int>(i)].try_emplace(t, Written{values[i], false, starts[i]});
  }
  void Sample(int i, int64_t t, double value, int64_t start) {
    auto appender = store.db->NewAppender();
    const SeriesRef ref = *appender->Resolve(SeriesOf(i));
    const Timestamp at{t}, since{start};
    appender->AppendColumn(ref, {&at, 1}, {&value, 1}, {&since, 1});
    Store::Commit(*appender);
    model[i].try_emplace(t, Written{value, false, start});
  }
  void HistogramSample(int i, int64_t t, double count, int64_t start) {
    auto appender = store.db->NewAppender();
    const SeriesRef ref = *appender->Resolve(SeriesOf(i));
    Histogram h;
    h.count = count;
    ASSERT_TRUE(appender->AppendHistogram(ref, {t}, h, {start}).ok());
    Store::Commit(*appender);
    model[i].try_emplace(t, Written{count, true, start});
  }

  Series Read(int i) {
    Series out;
    const std::vector<Matcher> matchers{Matcher(MatchOp::kEqual, "i", std::to_string(i))};
    auto set = store.db->Select(matchers, kMinTimestamp, kMaxTimestamp, {});
    EXPECT_TRUE(set.ok());
    if ((*set)->size() == 0) return out;
    auto reader = (*set)->NewReader();
    EXPECT_TRUE(reader->Seek(0).ok());
    SampleBlock block;
    while (*reader->Next(&block)) {
      EXPECT_TRUE(block.starts.empty() || block.starts.size() == block.size());
      for (size_t k = 0; k < block.size(); ++k)
        out[block.times[k].ms] = {block.values[k],
                                  !block.histograms.empty() && block.histograms[k] != nullptr,
                                  block.starts.empty() ? 0 : block.starts[k].ms};
    }
    EXPECT_TRUE((*set)->warnings().empty());
    return out;
  }
  void ExpectModel(const char* when) {
    for (int i = 0; i < kSeries; ++i) ASSERT_EQ(Read(i), model[i]) << when << ", series " << i;
  }

  Store store;
  std::vector<RowHint> hints;
  std::map<int, Series> model;
};

// Cumulative, delta, none, and all of it in one series.
TEST_F(StartTimestamps, SurviveEveryStageOfASample) {
  std::mt19937_64 rng(5);
  std::vector<int64_t> began(kSeries, kNow - 1000);
  for (int n = 0; n < 700; ++n) {
    const int64_t t = kNow + n * 15'000;
    std::vector<double> values;
    std::vector<int64_t> starts;
    for (int i = 0; i < kSeries; ++i) {
      values.push_back(n);
      if (rng() % 50 == 0) began[static_cast<size_t>(i)] = t - 1;
      const int64_t cumulative = began[static_cast<size_t>(i)];
      switch (i % 4) {
        case 0:
          starts.push_back(cumulative);
          break;
        case 1:
          starts.push_back(t - 15'000);
          break;
        case 2:
          starts.push_back(0);
          break;
        default:
          starts.push_back(rng() % 3 == 0   ? 0
                           : rng() % 2 == 0 ? cumulative
                                            : static_cast<int64_t>(rng() >> 20) - (1 << 20));
      }
    }
    Row(t, values, starts);
    if (n % 40 == 7) HistogramSample(n % kSeries, t + 3, n, n % 3 == 0 ? 0 : t - 5);
    // Late ones, with and without.
    if (n % 10 == 3)
      Sample(n % kSeries, t - 100'000 - static_cast<int64_t>(rng() % 1000), -n,
             n % 20 == 3 ? t - 200'000 : 0);
  }
  ExpectModel("in the head");
  store.Crash();
  ExpectModel("after a replay");
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectModel("in files");
  Sample(0, kNow + 700 * 15'000, 1, 77);
  // There already: neither the value nor the start changes.
  Sample(0, kNow, 0, 99);
  model[0][kNow + 700 * 15'000] = {1, false, 77};
  ExpectModel("in files and the head");
  store.Reopen();
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectModel("merged");
}

TEST_F(StartTimestamps, GoWithTheirSamples) {
  for (int n = 0; n < 100; ++n)
    Row(kNow + n * 1000, std::vector<double>(kSeries, n), std::vector<int64_t>(kSeries, 1 + n / 7));
  const std::vector<Matcher> one{Matcher(MatchOp::kEqual, "i", "3")};
  ASSERT_TRUE(store.db->DeleteSeries(one, {kNow + 10'000}, {kNow + 50'000}).ok());
  std::erase_if(model[3], [](const auto& sample) {
    return sample.first >= kNow + 10'000 && sample.first <= kNow + 50'000;
  });
  ExpectModel("deleted in the head");
  Row(kNow + 200'000, std::vector<double>(kSeries, 5), std::vector<int64_t>(kSeries, 5));
  ExpectModel("and gone on");
  store.Crash();
  ExpectModel("replayed");
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectModel("sealed");
}

TEST_F(StartTimestamps, OneThatCannotBeStoredIsUnknown) {
  Sample(0, kNow, 1, int64_t{1} << 51);
  Sample(1, kNow, 1, -(int64_t{1} << 51) + 1);
  model[0][kNow].start = 0;
  ExpectModel("in the head");
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectModel("in files");
}

// Starts that fill their stream: alternating ones far apart.
TEST_F(StartTimestamps, ManyWideOnesAreKept) {
  for (int n = 0; n < 1000; ++n)
    Row(kNow + n * 1000, std::vector<double>(kSeries, n),
        std::vector<int64_t>(kSeries, n % 2 == 0 ? (int64_t{1} << 50) + n : -(int64_t{1} << 50)));
  ExpectModel("in the head");
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectModel("in files");
}

}  // namespace
}  // namespace tocsin::storage
