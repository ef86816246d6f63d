// A store whose levels are held against what raw samples say, cell by cell.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <random>

#include "storage/level_cells.h"
#include "storage/model/sample.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Timestamp kDay{1'700'006'400'000 / kDayMs * kDayMs};
inline constexpr Duration kFive{300'000};
inline constexpr Duration kHour{3'600'000};

inline Labels Named(const std::string& name) {
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

}  // namespace tocsin::storage
