// Levels of closed days against raw samples: built when a day closes, corrected by late samples,
// chosen only where they are complete.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <random>

#include "storage/codec/histogram_codec.h"
#include "storage/level_cells.h"
#include "storage/level_writer.h"
#include "storage/model/sample.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Timestamp kDay{1'700'006'400'000 / kDayMs * kDayMs};
constexpr Duration kFive{300'000};
constexpr Duration kHour{3'600'000};

Labels Named(const std::string& name) {
  return Labels{{"__name__", name}, {"instance", "i"}, {"job", "j"}};
}

using Cells = std::vector<LevelCell>;

class Levels : public ::testing::Test {
 protected:
  Levels() : store(kDay) {
    store.options.retention_time = Duration{0};
    store.options.sync_interval = hours(1);  // or a timer a second makes days slow
    store.Open();
  }

  // What a select with levels gives: cells by series, and the raw samples beside them.
  struct Answer {
    std::map<std::string, Cells> cells;
    Model raw;
    std::vector<LevelRegion> regions;
    std::vector<std::string> infos;
  };
  Answer Read(Duration resolution, bool levels = true, Timestamp from = kMinTimestamp,
              Timestamp to = kMaxTimestamp) {
    Answer out;
    SelectHints hints;
    hints.levels = levels;
    hints.max_source_resolution = resolution;
    auto set = store.db->Select({}, from, to, hints);
    EXPECT_TRUE(set.ok());
    out.regions = (*set)->levels();
    out.infos = (*set)->infos();
    auto reader = (*set)->NewReader();
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE(reader->Seek(i).ok());
      const std::string name = (*set)->labels(i).ToString();
      SampleBlock block;
      while (*reader->Next(&block)) {
        out.cells[name].insert(out.cells[name].end(), block.cells.begin(), block.cells.end());
        for (size_t k = 0; k < block.size(); ++k)
          out.raw[name][block.times[k].ms] = BitsOf(block.values[k]);
      }
    }
    EXPECT_TRUE((*set)->warnings().empty());
    return out;
  }

  // What the cells of these samples must be, computed in the plainest way.
  static Cells Plain(const SeriesModel& samples, Duration resolution, Timestamp from,
                     Timestamp to) {
    Cells cells;
    double before = 0;
    for (const auto& [ms, bits] : samples) {
      const Timestamp t{ms};
      if (t < from || t >= to) continue;
      const double value = std::bit_cast<double>(bits);
      const Timestamp end{(ms + resolution.count() - 1) / resolution.count() * resolution.count()};
      const bool new_day = !cells.empty() && DayOf({cells.back().last_time}) != DayOf(t);
      if (cells.empty() || cells.back().end != end || (new_day && cells.back().count > 0)) {
        cells.emplace_back();
        cells.back().end = end;
      }
      LevelCell& cell = cells.back();
      cell.ended = IsStale(value);
      if (cell.ended) continue;
      if (cell.count++ == 0) {
        cell.first_time = t;
        cell.first = cell.min = cell.max = value;
      } else if (value < before) {
        ++cell.resets;
        cell.dropped += before;
      }
      if (value < cell.min || std::isnan(cell.min)) cell.min = value;
      if (value > cell.max || std::isnan(cell.max)) cell.max = value;
      cell.sum += value;
      cell.last = before = value;
      cell.last_time = t;
    }
    return cells;
  }

  static void ExpectEqual(const Cells& got, const Cells& want, const std::string& what) {
    ASSERT_EQ(got.size(), want.size()) << what;
    const auto same = [](double a, double b) {
      return (std::isnan(a) && std::isnan(b)) || a == b || std::fabs(a - b) <= 1e-12 * std::fabs(b);
    };
    for (size_t i = 0; i < got.size(); ++i) {
      const std::string at = what + " cell " + std::to_string(i);
      ASSERT_EQ(got[i].end.ms, want[i].end.ms) << at;
      ASSERT_EQ(got[i].count, want[i].count) << at;
      ASSERT_EQ(got[i].ended, want[i].ended) << at;
      if (want[i].count == 0) continue;
      ASSERT_EQ(got[i].first_time, want[i].first_time) << at;
      ASSERT_EQ(got[i].last_time, want[i].last_time) << at;
      ASSERT_EQ(BitsOf(got[i].first), BitsOf(want[i].first)) << at;
      ASSERT_EQ(BitsOf(got[i].last), BitsOf(want[i].last)) << at;
      ASSERT_TRUE(same(got[i].min, want[i].min)) << at;
      ASSERT_TRUE(same(got[i].max, want[i].max)) << at;
      if (got[i].has_sum) {
        ASSERT_TRUE(same(got[i].sum, want[i].sum)) << at << " " << got[i].sum << " " << want[i].sum;
      }
      if (got[i].has_resets) {
        ASSERT_EQ(got[i].resets, want[i].resets) << at;
        ASSERT_TRUE(same(got[i].dropped, want[i].dropped)) << at;
      }
    }
  }

  // Two days and two hours of series of several kinds, with gaps, resets, NaN, staleness.
  void Fill(uint32_t seed, Duration step = seconds(110), int hours_in_all = 50) {
    std::mt19937 random(seed);
    double counter = 0, fine = 0;
    const int n = static_cast<int>(hours(hours_in_all) / step);
    for (int i = 0; i < n; ++i) {
      const Timestamp t = kDay + i * step;
      store.scheduler.Advance(step);
      counter = random() % 400 == 0 ? 0 : counter + random() % 100;
      fine += (random() % 1000) * 0.001;
      std::vector<std::pair<Labels, double>> row{{Named("c_total"), counter},
                                                 {Named("f_total"), fine},
                                                 {Named("constant"), 7},
                                                 {Named("g"), (random() % 2000) * 0.01 - 10},
                                                 {Named("up"), random() % 50 == 0 ? 0 : 1}};
      if (random() % 3 != 0) row.emplace_back(Named("gaps"), random() % 9);
      if (i / 200 % 2 == 0)
        row.emplace_back(Named("comes_and_goes"),
                         i % 200 == 199 ? StaleMarker() : static_cast<double>(i));
      if (random() % 7 == 0)
        row.emplace_back(Named("odd"), random() % 2 == 0
                                           ? std::nan("")
                                           : -std::numeric_limits<double>::infinity());
      store.Append(t, row);
    }
  }

  void ExpectLevels(Duration resolution, Timestamp from, Timestamp to) {
    const Model raw = store.Read();
    const Answer answer = Read(resolution);
    ASSERT_EQ(answer.regions.size(), 1u);
    EXPECT_EQ(answer.regions[0].from, from);
    EXPECT_EQ(answer.regions[0].to, to);
    EXPECT_EQ(answer.regions[0].resolution, resolution);
    for (const auto& [name, samples] : raw) {
      const auto cells = answer.cells.find(name);
      ExpectEqual(cells == answer.cells.end() ? Cells() : cells->second,
                  Plain(samples, resolution, from, to), name);
      SeriesModel rest(samples.lower_bound(to.ms), samples.end());
      const auto beside = answer.raw.find(name);
      EXPECT_EQ(beside == answer.raw.end() ? SeriesModel() : beside->second, rest) << name;
    }
  }

  Store store;
};

TEST_F(Levels, AreBuiltWhenADayClosesAndTellTheSame) {
  Fill(1);
  store.scheduler.Advance(minutes(10));
  const Timestamp to = kDay + hours(48);
  ExpectLevels(kFive, kDay, to);
  ExpectLevels(kHour, kDay, to);
  store.Crash();
  ExpectLevels(kFive, kDay, to);
  // Raw unless asked.
  EXPECT_TRUE(Read(Duration{0}).regions.empty());
  EXPECT_TRUE(Read(kHour, /*levels=*/false).regions.empty());
}

TEST_F(Levels, LateSamplesAreInThemAfterTheNextBuild) {
  Fill(3);
  store.scheduler.Advance(minutes(10));
  const Timestamp to = kDay + hours(48);
  // Not sealed yet: the day is read raw.
  store.AppendColumn(Named("g"), {kDay + seconds(61), kDay + hours(3) + seconds(1)}, {1, 2});
  EXPECT_EQ(Read(kFive).regions.front().from, kDay + hours(24));
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay, to);
  ExpectLevels(kHour, kDay, to);
  // A new series of the past.
  store.AppendColumn(Named("late"), {kDay + seconds(5), kDay + hours(30)}, {1, 2});
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay, to);
  store.Crash();
  ExpectLevels(kHour, kDay, to);
}

TEST_F(Levels, LateSamplesOfATickRewriteOnlyTheirGroups) {
  Fill(4);
  store.scheduler.Advance(minutes(10));
  for (int i = 0; i < 100; ++i)
    store.AppendColumn(Named("many_" + std::to_string(i)), {kDay + seconds(i)}, {1.0 * i});
  store.scheduler.Advance(hours(2));
  const Timestamp to = kDay + hours(48);
  ExpectLevels(kFive, kDay, to);
}

TEST_F(Levels, DeletedSamplesLeaveThem) {
  Fill(5);
  store.scheduler.Advance(minutes(10));
  const std::vector<Matcher> some{*Matcher::Create(MatchOp::kRegex, "__name__", "g|c_total")};
  ASSERT_TRUE(store.db->DeleteSeries(some, kDay + hours(2) + seconds(30), kDay + hours(5)).ok());
  // Raw at once.
  EXPECT_EQ(Read(kFive).regions.front().from, kDay + hours(24));
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay, kDay + hours(48));
  const std::vector<Matcher> all{*Matcher::Create(MatchOp::kRegex, "__name__", ".+")};
  ASSERT_TRUE(store.db->DeleteSeries(all, kDay, kDay + hours(24)).ok());
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectLevels(kFive, kDay + hours(24), kDay + hours(48));
}

TEST_F(Levels, OnlyCellsWhoseWindowMeetsTheRange) {
  Fill(6);
  store.scheduler.Advance(minutes(10));
  const auto answer = Read(kHour, true, kDay + hours(1) + Duration{1}, kDay + hours(3));
  const Cells& cells = answer.cells.at(Named("g").ToString());
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].end, kDay + hours(2));
  EXPECT_EQ(cells[1].end, kDay + hours(3));
}

TEST_F(Levels, HistogramsAreThinnedOutBetweenResets) {
  std::vector<TimedHistogram> samples;
  std::mt19937 random(1);
  double count = 0;
  store.scheduler.Advance(hours(9));
  for (int i = 0; i < 2000; ++i) {
    auto h = std::make_shared<Histogram>();
    h->integer = true;
    h->schema = 0;
    count = random() % 300 == 0 ? 1 : count + random() % 5;
    h->count = h->sum = count;
    h->positive_spans = {{0, 1}};
    h->positive_buckets = {count};
    samples.push_back({kDay + i * seconds(15), h});
    auto appender = store.db->NewAppender();
    auto ref = appender->Resolve(Named("h"));
    ASSERT_TRUE(ref.ok());
    ASSERT_TRUE(appender->AppendHistogram(*ref, samples.back().t, *h).ok());
    Store::Commit(*appender);
  }
  const ThinnedHistograms thin = Thin(samples, kFive);
  EXPECT_LT(thin.samples.size(), samples.size() / 5);
  std::map<int64_t, uint64_t> weights;
  for (size_t i = 0; i < thin.samples.size(); ++i)
    weights[WindowEnd(thin.samples[i].t, kFive).ms] += thin.weights[i];
  std::map<int64_t, uint64_t> counts;
  for (const TimedHistogram& sample : samples) ++counts[WindowEnd(sample.t, kFive).ms];
  EXPECT_EQ(weights, counts);
  // Every fall of the counts is between two that stayed.
  for (size_t i = 1; i < samples.size(); ++i) {
    if (samples[i].value->count >= samples[i - 1].value->count) continue;
    const auto kept = std::find_if(thin.samples.begin(), thin.samples.end(),
                                   [&](const auto& one) { return one.t == samples[i].t; });
    ASSERT_NE(kept, thin.samples.end());
    EXPECT_EQ(std::prev(kept)->t, samples[i - 1].t);
  }
  store.scheduler.Advance(hours(40));
  ASSERT_TRUE(store.db->Compact().ok());
  const Answer answer = Read(kFive);
  ASSERT_EQ(answer.regions.size(), 1u);
  const SeriesModel& read = answer.raw.at(Named("h").ToString());
  EXPECT_EQ(read.size(), thin.samples.size());
  for (const TimedHistogram& sample : thin.samples)
    EXPECT_EQ(read.at(sample.t.ms), BitsOf(sample.value->count));
}

}  // namespace
}  // namespace tocsin::storage
