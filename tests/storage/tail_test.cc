// Reading on behind the commits: every acknowledged sample is delivered at least once whatever
// happens to the log and the files meanwhile, exactly once and in order while the log is there.
#include "storage/tail.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "storage/tail_position.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;

// What arrived of each series, in the order of arrival.
using Arrived = std::map<std::string, std::vector<std::pair<int64_t, Bits>>>;

class Reader {
 public:
  explicit Reader(Store& store) : store_(store) { Open(store.db->TailEnd()); }

  void Open(const std::string& position) {
    auto tail = store_.db->OpenTail(position);
    ASSERT_TRUE(tail.ok()) << tail.error().message();
    tail_ = *std::move(tail);
    position_ = position;
  }
  // Comes back where it was.
  void Return() { Open(position_); }
  void Leave() { tail_.reset(); }
  bool away() const { return tail_ == nullptr; }

  // One batch. Lost: it is read and never arrives, as when the process ends.
  TailBatch Read(const TailLimits& limits = {}, bool lost = false) {
    auto batch = tail_->Read(limits);
    EXPECT_TRUE(batch.ok()) << batch.error().message();
    if (!batch.ok()) return {};
    if (lost) {
      tail_.reset();
      return *std::move(batch);
    }
    size_t samples = 0;
    for (const TailSeries& series : batch->series) {
      const std::string name = series.labels.ToString();
      EXPECT_EQ(series.times.size(), series.values.size());
      EXPECT_FALSE(series.times.empty() && series.histograms.empty());
      for (size_t i = 0; i < series.times.size(); ++i)
        arrived[name].emplace_back(series.times[i].ms, BitsOf(series.values[i]));
      for (const auto& [t, histogram] : series.histograms)
        arrived[name].emplace_back(t.ms, BitsOf(histogram->sum));
      samples += series.times.size() + series.histograms.size();
    }
    EXPECT_EQ(samples, batch->samples);
    gaps += batch->gaps.size();
    left_out += batch->left_out;
    position_ = batch->position;
    tail_->Release(position_);
    return *std::move(batch);
  }
  void Drain(const TailLimits& limits = {}) {
    for (int i = 0; i < 100'000; ++i)
      if (const TailBatch batch = Read(limits); batch.samples == 0 && !batch.more) return;
    FAIL() << "there is always more";
  }

  Arrived arrived;
  size_t gaps = 0;
  uint64_t left_out = 0;

 private:
  Store& store_;
  std::unique_ptr<Tail> tail_;
  std::string position_;
};

Labels Of(const std::string& job, int series) {
  return Labels{{"__name__", "m" + std::to_string(series)}, {"job", job}, {"instance", "i"}};
}

std::vector<std::pair<Labels, double>> Row(const std::string& job, int n, double value) {
  std::vector<std::pair<Labels, double>> row;
  for (int i = 0; i < n; ++i) row.emplace_back(Of(job, i), value + i);
  return row;
}

class TailTest : public ::testing::Test {
 protected:
  TailTest() { store.Open(); }
  // A row every 15 s.
  void Scrape(int times, int series = 3) {
    for (int i = 0; i < times; ++i) {
      t_ += 15'000;
      store.scheduler.Advance(Timestamp{t_} - store.scheduler.Now());
      const auto row = Row("a", series, double(++value_));
      EXPECT_TRUE(store.Append(Timestamp{t_}, row).all_appended());
      for (const auto& [labels, value] : row)
        acknowledged[labels.ToString()].emplace_back(t_, BitsOf(value));
    }
  }
  // Seals everything and lets the log go.
  void Compact() {
    const Status status = store.db->Compact();
    ASSERT_TRUE(status.ok()) << status.error().message();
  }

  Store store;
  Arrived acknowledged;
  int64_t t_ = kStart;
  int value_ = 0;
};

TEST_F(TailTest, DeliversOnceAndInOrder) {
  Scrape(10);
  Reader reader(store);
  acknowledged.clear();  // what was before is not read
  EXPECT_EQ(reader.Read().samples, 0u);
  Scrape(100);
  reader.Drain({.samples = 7});  // rows in parts
  Scrape(100);
  reader.Drain();
  EXPECT_EQ(reader.arrived, acknowledged);
}

TEST_F(TailTest, BitsAndKinds) {
  Reader reader(store);
  const Labels labels = Of("a", 0);
  const double values[] = {StaleMarker(), NormalNaN(), -0.0, 1e300,
                           std::bit_cast<double>(uint64_t{0x7ff8000000001234})};
  for (const double value : values) {
    t_ += 1000;
    ASSERT_TRUE(store.Append(Timestamp{t_}, {{labels, value}}).all_appended());
    acknowledged[labels.ToString()].emplace_back(t_, BitsOf(value));
  }
  Histogram histogram;
  histogram.integer = true;
  histogram.count = 3;
  histogram.sum = 4.5;
  histogram.positive_spans = {{0, 2}};
  histogram.positive_buckets = {1, 2};
  auto appender = store.db->NewAppender();
  const auto ref = appender->Resolve(Of("a", 1));
  ASSERT_TRUE(ref.ok());
  ASSERT_TRUE(appender->AppendHistogram(*ref, Timestamp{t_}, histogram).ok());
  Store::Commit(*appender);
  acknowledged[Of("a", 1).ToString()].emplace_back(t_, BitsOf(4.5));
  const TailBatch batch = reader.Read();
  EXPECT_EQ(reader.arrived, acknowledged);
  ASSERT_EQ(batch.series.size(), 2u);
  ASSERT_EQ(batch.series[1].histograms.size(), 1u);
  EXPECT_EQ(batch.series[1].histograms[0].second->positive_buckets, histogram.positive_buckets);
}

TEST_F(TailTest, LateSamplesAreDeliveredAndMayBeLeftOut) {
  Reader reader(store);
  Reader strict(store);
  Scrape(10);
  const Labels labels = Of("a", 0);
  store.AppendColumn(labels, {Timestamp{kStart - 60'000}, Timestamp{kStart - 45'000}}, {1, 2});
  Scrape(1);
  reader.Drain();
  strict.Drain({.in_order = true});
  EXPECT_EQ(strict.arrived, acknowledged);
  EXPECT_EQ(strict.left_out, 2u);
  auto& of = acknowledged[labels.ToString()];
  of.insert(of.end(), {{kStart - 60'000, BitsOf(1)}, {kStart - 45'000, BitsOf(2)}});
  EXPECT_EQ(reader.arrived, acknowledged);
}

TEST_F(TailTest, WhatTheStoreRefusesIsNotDelivered) {
  Reader reader(store);
  Scrape(3);
  EXPECT_EQ(store.Append(Timestamp{t_}, {{Of("a", 0), -5}}).duplicates, 1u);
  EXPECT_EQ(store.Append(Timestamp{t_}, {{Of("a", 1), value_ + 1.0}}).duplicates, 0u);
  Scrape(3);
  reader.Drain();
  EXPECT_EQ(reader.arrived, acknowledged);
}

TEST_F(TailTest, KeepsTheLogWhileItIsWanted) {
  Reader reader(store);
  Scrape(50);
  reader.Read({.samples = 10});
  Scrape(50);
  Compact();  // sealed, but the log stays: it is small and wanted
  Scrape(50);
  Compact();
  reader.Drain();
  EXPECT_EQ(reader.arrived, acknowledged);
}

TEST_F(TailTest, ReadsOnAfterARestart) {
  for (const bool clean : {true, false}) {
    Reader reader(store);
    acknowledged.clear();
    Scrape(50);
    reader.Read({.samples = 40});
    reader.Leave();
    Scrape(50);
    if (clean)
      store.Reopen();
    else
      store.Crash();
    reader.Return();
    Scrape(50);
    reader.Drain({.samples = 25});
    EXPECT_EQ(reader.arrived, acknowledged) << (clean ? "clean" : "crash");
  }
}

TEST_F(TailTest, NothingComesTwiceWhenTheEndWasReadBeforeTheLogWent) {
  Reader reader(store);
  Scrape(50);
  reader.Drain();
  reader.Leave();
  Compact();  // its rows are in files now, and the log is gone
  store.Reopen();
  reader.Return();
  Scrape(10);
  reader.Drain();
  EXPECT_EQ(reader.arrived, acknowledged);
}

TEST_F(TailTest, ReadsFilesWhereTheLogIsGone) {
  Reader reader(store);
  Scrape(20);
  reader.Drain();
  reader.Leave();
  Scrape(30);
  Compact();
  Scrape(30);
  Compact();
  Scrape(30);
  reader.Return();
  reader.Drain({.samples = 50});
  for (const auto& [name, samples] : acknowledged) {
    // In order of time. The file holds the first 20 as well: it is read as a whole.
    auto& arrived = reader.arrived[name];
    EXPECT_EQ(std::vector(arrived.begin(), arrived.begin() + 20),
              std::vector(samples.begin(), samples.begin() + 20));
    arrived.erase(arrived.begin(), arrived.begin() + 20);
    EXPECT_EQ(arrived, samples);
  }
  EXPECT_EQ(reader.gaps, 0u);
}

TEST_F(TailTest, TheBeginningIsInFrontOfFilesAndLog) {
  Scrape(20);
  Compact();
  Scrape(30);
  Reader reader(store);
  reader.Open(store.db->TailBegin());
  reader.Drain({.samples = 50});
  EXPECT_EQ(reader.arrived, acknowledged);
  EXPECT_EQ(reader.gaps, 0u);
}

TEST_F(TailTest, WhatRetentionTookIsAGap) {
  Reader reader(store);
  Scrape(20);
  reader.Drain();
  reader.Leave();
  Scrape(20);
  Compact();
  // Three days later, with two days of retention.
  store.db->SetRetention(Duration{2 * kDayMs}, 0);
  t_ += 4 * kDayMs;
  Scrape(20);
  store.scheduler.Advance(Duration{1'200'000});
  Compact();
  store.scheduler.Advance(Duration{1'200'000});
  reader.Return();
  reader.Drain();
  EXPECT_EQ(reader.gaps, 1u);
}

TEST_F(TailTest, DeletedSamplesAreNotReadFromFiles) {
  Reader reader(store);
  Scrape(20);
  reader.Leave();
  Compact();
  const std::vector<Matcher> matchers = {Matcher(MatchOp::kEqual, "__name__", "m1")};
  ASSERT_TRUE(store.db->DeleteSeries(matchers, kMinTimestamp, kMaxTimestamp).ok());
  Compact();
  reader.Return();
  reader.Drain();
  acknowledged.erase(Of("a", 1).ToString());
  EXPECT_EQ(reader.arrived, acknowledged);
}

TEST_F(TailTest, PositionsAreChecked) {
  EXPECT_EQ(store.db->OpenTail("").error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(store.db->OpenTail("\x02").error().code(), ErrorCode::kUnsupported);
  const std::string good = store.db->TailEnd();
  EXPECT_TRUE(store.db->OpenTail(good).ok());
  EXPECT_EQ(store.db->OpenTail(good.substr(0, good.size() - 1)).error().code(),
            ErrorCode::kCorruption);
}

TEST(TailPosition, Bytes) {
  TailPosition position;
  position.row = 300;
  position.row_samples = 2;
  position.files_done = 5;
  position.files_due = 9;
  position.newest = {1000};
  position.finished[{0, 19000}].Append(6);
  position.file = {0, 19001, 7};
  position.file_series = 65;
  const std::string bytes = position.Encode();
  EXPECT_EQ(bytes, std::string("\x01\xac\x02\x02\x05\x09\xd0\x0f\x01\x00\xb8\x94\x01\x01\x06\x01"
                               "\x00\xb9\x94\x01\x07\x41",
                               22));
  const auto back = TailPosition::Decode(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->Encode(), bytes);
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(TailPosition::Decode(bytes.substr(0, n)).ok());
}

// Anything may happen in any order; in the end everything has arrived.
void RandomLife(uint32_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Store store;
  store.Open();
  Reader reader(store);
  std::mt19937 random(seed);
  const auto pick = [&random](int n) { return static_cast<int>(random() % uint32_t(n)); };
  Model acknowledged;
  std::map<std::string, std::set<Bits>> offered;
  int64_t t = kStart;
  double value = 0;
  const auto limits = [&] {
    return TailLimits{.samples = static_cast<size_t>(1 + pick(pick(4) == 0 ? 2000 : 60))};
  };
  for (int step = 0; step < 220; ++step) {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {  // scrapes
        const std::string job = "j" + std::to_string(pick(3));
        for (int i = pick(20); i >= 0; --i) {
          t += 1'000 + pick(30'000);
          const auto row = Row(job, 1 + pick(12), ++value);
          store.Append(Timestamp{t}, row);
          for (const auto& [labels, v] : row) acknowledged[labels.ToString()].emplace(t, BitsOf(v));
        }
        store.scheduler.Advance(std::max(Duration{0}, Timestamp{t} - store.scheduler.Now()));
        break;
      }
      case 4: {  // late
        const Labels labels = Of("j" + std::to_string(pick(3)), pick(12));
        std::vector<Timestamp> times;
        std::vector<double> values;
        for (int i = pick(10); i >= 0; --i) {
          const int64_t late = t - 1 - pick(6 * 3600 * 1000);
          if (acknowledged[labels.ToString()].contains(late)) continue;
          times.push_back({late});
          values.push_back(++value);
          acknowledged[labels.ToString()].emplace(late, BitsOf(value));
        }
        if (!times.empty()) {
          EXPECT_TRUE(store.AppendColumn(labels, times, values).all_appended());
        }
        break;
      }
      case 5:  // hours pass
        t += pick(3) * 3600 * 1000;
        store.scheduler.Advance(std::max(Duration{0}, Timestamp{t} - store.scheduler.Now()));
        break;
      case 6:
        if (pick(3) == 0) {
          ASSERT_TRUE(store.db->Compact().ok());
        }
        break;
      case 7: {  // the process ends, with or without a word
        const bool away = reader.away();
        reader.Leave();
        if (pick(2) == 0)
          store.Reopen();
        else
          store.Crash();
        if (!away) reader.Return();
        break;
      }
      case 8:
        if (reader.away())
          reader.Return();
        else if (pick(2) == 0)
          reader.Leave();
        break;
      case 9:
        if (!reader.away()) {
          reader.Read(limits(), /*lost=*/true);
          reader.Return();
        }
        break;
      default:
        for (int i = pick(6); i >= 0 && !reader.away(); --i) reader.Read(limits());
    }
  }
  if (reader.away()) reader.Return();
  reader.Drain(limits());
  EXPECT_EQ(reader.gaps, 0u);
  EXPECT_EQ(store.Read(), acknowledged);
  Model arrived;
  for (const auto& [name, samples] : reader.arrived)
    for (const auto& [at, bits] : samples) {
      const auto [it, fresh] = arrived[name].emplace(at, bits);
      EXPECT_TRUE(fresh || it->second == bits) << name << " at " << at;
    }
  EXPECT_EQ(arrived, acknowledged);
}

TEST(TailProperty, EverythingArrives) {
  const char* many = std::getenv("TOCSIN_TAIL_SEEDS");
  const uint32_t seeds = many != nullptr ? static_cast<uint32_t>(std::atoi(many)) : 3;
  for (uint32_t seed = 1; seed <= seeds; ++seed) {
    RandomLife(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace tocsin::storage
