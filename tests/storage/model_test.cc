// Random operations against the database and against a plain map; both must say the same, bit by
// bit, whatever was sealed, reopened or killed in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

class ModelTest : public ::testing::TestWithParam<int> {
 protected:
  ModelTest() : random_(static_cast<uint64_t>(GetParam())), store_(Timestamp{kNow}) {
    store_.options.retention_time = Duration{0};
    store_.Open();
    for (int i = 0; i < 90; ++i) targets_[static_cast<size_t>(i % 5)].push_back(MakeLabels(i));
    for (int i = 0; i < 10; ++i) loners_.push_back(Labels{{"sensor", std::to_string(i)}});
  }

  static Labels MakeLabels(int i) {
    return Labels{{"__name__", "m" + std::to_string(i / 5)},
                  {"job", "j"},
                  {"instance", std::to_string(i % 5)},
                  {"le", std::to_string(i % 7)}};
  }

  uint64_t Below(uint64_t n) { return random_() % n; }

  double Value() {
    switch (Below(12)) {
      case 0:
        return StaleMarker();
      case 1:
        return std::bit_cast<double>(0x7ff8000000000000 | Below(1000));
      case 2:
        return -0.0;
      case 3:
        return std::bit_cast<double>(random_());
      case 4:
        return static_cast<double>(Below(100000)) / 100;
      case 5:
        return std::numeric_limits<double>::infinity();
      default:
        return static_cast<double>(Below(50));
    }
  }

  void Remember(const Labels& labels, Timestamp t, double v) {
    model_[labels.ToString()].try_emplace(t.ms, BitsOf(v));
  }

  // A scrape of one target: mostly the same series in the same order.
  void Row() {
    const size_t target = Below(targets_.size());
    auto& series = targets_[target];
    if (Below(10) == 0) std::shuffle(series.begin(), series.end(), random_);
    const size_t n = Below(4) == 0 ? 1 + Below(series.size()) : series.size();
    std::vector<std::pair<Labels, double>> row;
    for (size_t i = 0; i < n; ++i) row.emplace_back(series[i], Value());
    const Timestamp t = store_.scheduler.Now();
    store_.Append(t, row, Below(5) == 0 ? nullptr : &hints_[target]);
    for (const auto& [labels, value] : row) Remember(labels, t, value);
  }

  void Column() {
    const Labels& labels = Below(2) == 0 ? loners_[Below(loners_.size())]
                                         : targets_[Below(5)][Below(targets_[0].size())];
    std::vector<Timestamp> ts;
    std::vector<double> values;
    // Anywhere in some hours before now, on a coarse grid so that times collide.
    const int64_t range = Below(3) == 0 ? 30 * 3'600'000 : 600'000;
    const int64_t grid = 1 + static_cast<int64_t>(Below(30'000));
    int64_t t =
        store_.scheduler.Now().ms - static_cast<int64_t>(Below(static_cast<uint64_t>(range)));
    const size_t n = 1 + Below(40);
    for (size_t i = 0; i < n && t <= store_.scheduler.Now().ms; ++i, t += grid) {
      ts.push_back({t - t % 1000});
      values.push_back(Value());
    }
    if (Below(4) == 0) std::shuffle(ts.begin(), ts.end(), random_);
    store_.AppendColumn(labels, ts, values);
    for (size_t i = 0; i < ts.size(); ++i) Remember(labels, ts[i], values[i]);
  }

  void Delete() {
    const std::vector<Matcher> matchers{
        Matcher(MatchOp::kEqual, "instance", std::to_string(Below(5))),
        Matcher(MatchOp::kEqual, "le", std::to_string(Below(7)))};
    const Timestamp to = store_.scheduler.Now() - Duration{static_cast<int64_t>(Below(3'600'000))};
    const Timestamp from = to - Duration{static_cast<int64_t>(Below(7'200'000))};
    ASSERT_TRUE(store_.db->DeleteSeries(matchers, from, to).ok());
    for (const auto& target : targets_)
      for (const Labels& labels : target)
        if (MatchesAll(matchers, labels)) {
          SeriesModel& samples = model_[labels.ToString()];
          samples.erase(samples.lower_bound(from.ms), samples.upper_bound(to.ms));
        }
  }

  void Check() {
    std::erase_if(model_, [](const auto& entry) { return entry.second.empty(); });
    const Model read = store_.Read();
    ASSERT_EQ(read.size(), model_.size());
    for (const auto& [labels, samples] : model_) {
      const auto it = read.find(labels);
      ASSERT_NE(it, read.end()) << labels;
      ASSERT_EQ(it->second, samples) << labels;
    }
  }

  void Step() {
    switch (Below(40)) {
      case 0:
        return store_.Crash();
      case 1:
        return store_.Reopen();
      case 2:
      case 3:
        ASSERT_TRUE(store_.db->Compact().ok());
        return;
      case 4:
        return store_.scheduler.Advance(Duration{static_cast<int64_t>(Below(3'600'000))});
      case 5:
        return Delete();
      case 6:
      case 7:
      case 8:
        return Check();
      case 9:
      case 10:
      case 11:
      case 12:
      case 13:
      case 14:
        return Column();
      default:
        Row();
        store_.scheduler.Advance(Duration{15'000});
    }
  }

  std::mt19937_64 random_;
  Store store_;
  std::array<std::vector<Labels>, 5> targets_;
  std::vector<Labels> loners_;
  std::array<RowHint, 5> hints_;
  Model model_;
};

TEST_P(ModelTest, SaysWhatTheModelSays) {
  for (int i = 0; i < 250; ++i) {
    Step();
    if (HasFatalFailure()) FAIL() << "step " << i;
  }
  Check();
  store_.Crash();
  Check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range(1, 5));

}  // namespace
}  // namespace tocsin::storage
