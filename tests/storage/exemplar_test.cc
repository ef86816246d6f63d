// Exemplars: what is taken, how many are kept, and that they are there after a crash.
#include <gtest/gtest.h>

#include "storage/exemplar_store.h"
#include "tests/storage/codec_samples.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000 - 3'600'000;

Labels SeriesOf(int i) { return {{"__name__", "m_total"}, {"i", std::to_string(i)}}; }

class ExemplarTest : public ::testing::Test {
 protected:
  ExemplarTest() { store.options.exemplars_max = 10; }

  Status Add(int series, int64_t t, double value, const std::string& trace = "a",
             bool own_time = true) {
    auto appender = store.db->NewAppender();
    const SeriesRef ref = *appender->Resolve(SeriesOf(series));
    const Timestamp at{t};
    appender->AppendColumn(ref, {&at, 1}, {&value, 1});
    const Status status =
        appender->AppendExemplar(ref, {Labels{{"trace", trace}}, value, at, own_time});
    Store::Commit(*appender);
    return status;
  }
  // "i: t=value/trace ..." in ms since kNow, series by series.
  std::string Read(int64_t from = 0, int64_t to = 1'000'000) {
    const std::vector<std::vector<Matcher>> selectors = {
        {Matcher(MatchOp::kEqual, "i", "1")}, {Matcher(MatchOp::kEqual, "__name__", "m_total")}};
    auto found = store.db->Exemplars(selectors, {kNow + from}, {kNow + to});
    EXPECT_TRUE(found.ok());
    std::string out;
    for (const SeriesExemplars& one : *found) {
      out += std::string(one.series.Get("i")) + ":";
      for (const Exemplar& exemplar : one.exemplars) {
        out += " " + std::to_string(exemplar.t.ms - kNow) + "=";
        out += std::to_string(static_cast<int>(exemplar.value)) + "/";
        out += exemplar.labels.Get("trace");
      }
      out += "; ";
    }
    return out;
  }

  Store store;
};

TEST_F(ExemplarTest, AreKeptPerSeriesAndSurviveACrash) {
  store.Open();
  EXPECT_TRUE(Add(1, kNow, 1).ok());
  EXPECT_TRUE(Add(1, kNow + 10, 2).ok());
  EXPECT_TRUE(Add(2, kNow + 20, 3).ok());
  const std::string all = "1: 0=1/a 10=2/a; 2: 20=3/a; ";
  EXPECT_EQ(Read(), all);
  EXPECT_EQ(Read(5, 15), "1: 10=2/a; ");
  store.Crash();
  EXPECT_EQ(Read(), all);
  ASSERT_TRUE(store.db->Compact().ok());
  store.Reopen();
  EXPECT_EQ(Read(), all);
}

TEST_F(ExemplarTest, RepeatedOnesAreKeptOnceAndOldOnesRefused) {
  store.Open();
  EXPECT_TRUE(Add(1, kNow + 10, 1, "a").ok());
  EXPECT_TRUE(Add(1, kNow + 10, 1, "b").ok());
  EXPECT_TRUE(Add(1, kNow + 10, 1, "a").ok());
  EXPECT_EQ(Add(1, kNow + 9, 1).error().code(), ErrorCode::kOutOfBounds);
  EXPECT_EQ(Add(1, kNow + 20, 1, std::string(124, 'x')).error().code(), ErrorCode::kInvalidLabels);
  EXPECT_TRUE(Add(2, kNow + 20, 1, std::string(122, 'x') + "\xC3\xA4").ok());
  // Without a time of their own they are the same for as long as they say the same.
  EXPECT_TRUE(Add(1, kNow + 30, 1, "b", false).ok());
  EXPECT_TRUE(Add(1, kNow + 40, 1, "c", false).ok());
  EXPECT_TRUE(Add(1, kNow + 50, 1, "c", false).ok());
  EXPECT_EQ(Read().substr(0, 28), "1: 10=1/a 10=1/b 40=1/c; 2: ");
}

TEST_F(ExemplarTest, TheNewestStay) {
  store.Open();
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(Add(i % 3, kNow + i, i).ok());
  const std::string newest =
      "0: 15=15/a 18=18/a 21=21/a 24=24/a; 1: 16=16/a 19=19/a 22=22/a; 2: 17=17/a 20=20/a "
      "23=23/a; ";
  EXPECT_EQ(Read(), newest);
  store.Crash();
  EXPECT_EQ(Read(), newest);
  // Fewer, more, none.
  ASSERT_TRUE(store.db->SetMaxExemplars(4).ok());
  const std::string four = "0: 21=21/a 24=24/a; 1: 22=22/a; 2: 23=23/a; ";
  EXPECT_EQ(Read(), four);
  store.Crash();
  EXPECT_EQ(Read(), four);
  for (int i = 25; i < 30; ++i) EXPECT_TRUE(Add(0, kNow + i, i).ok());
  EXPECT_EQ(Read(),
            "0: 21=21/a 24=24/a 25=25/a 26=26/a 27=27/a 28=28/a 29=29/a; 1: 22=22/a; "
            "2: 23=23/a; ");
  store.options.exemplars_max = 2;
  store.Crash();
  EXPECT_EQ(Read(), "0: 28=28/a 29=29/a; ");
  ASSERT_TRUE(store.db->SetMaxExemplars(0).ok());
  EXPECT_TRUE(Add(0, kNow + 40, 1).ok());
  EXPECT_EQ(Read(), "");
  store.Crash();
  EXPECT_EQ(Read(), "");
}

TEST_F(ExemplarTest, StayWhenTheirSeriesLeavesMemory) {
  store.Open();
  EXPECT_TRUE(Add(1, kNow, 1).ok());
  EXPECT_TRUE(Add(2, kNow + 20, 3).ok());
  const std::string all = Read();
  ASSERT_TRUE(store.db->Compact().ok());
  for (int i = 0; i < 5; ++i) store.scheduler.Advance(Duration{3'600'000});
  ASSERT_EQ(store.db->Stats().series, 0u);
  EXPECT_EQ(Read(), all);
  EXPECT_EQ(Read(5, 25), "2: 20=3/a; ");
  store.Crash();
  EXPECT_EQ(Read(), all);
}

TEST(ExemplarFormat, GoldenBytes) {
  EXPECT_EQ(testing::Hex(keys::Exemplar(258)), "7800000102");
  EXPECT_EQ(testing::Hex(ExemplarStore::Encode(7, {64}, {Labels{{"trace_id", "a1"}}, 0.5, {1000}})),
            "010740d00f000000000000e03f01"
            "0874726163655f6964"
            "026131");
}

}  // namespace
}  // namespace tocsin::storage
