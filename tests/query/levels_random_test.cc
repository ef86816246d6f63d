// Whatever the data and the query: with max_source_resolution=auto levels change no value, before
// and after restarts, late samples and deletions; and where raw samples have expired, what is told
// is what they gave. Every seed is a site of its own; TOCSIN_LEVEL_SEEDS=n runs n of them.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <random>

#include "query/engine.h"
#include "storage/model/sample.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::query {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using storage::Store;

constexpr Timestamp kDay{1'700'006'400'000 / 86'400'000 * 86'400'000};
constexpr Duration kHour{3'600'000};
constexpr int kHours = 52;  // two days closed, the third open

constexpr const char* kFunctions[] = {
    "rate", "increase", "delta", "resets", "sum_over_time", "avg_over_time", "min_over_time",
    "max_over_time", "count_over_time", "last_over_time", "first_over_time", "present_over_time",
    // These read raw samples, whatever is asked.
    "irate", "idelta", "changes", "deriv", "stddev_over_time", "mad_over_time", "absent_over_time"};
constexpr const char* kNames[] = {"c_total", "d_total", "wild_total", "g",     "huge", "constant",
                                  "odd",     "gaps",    "churn",      "mixed", "h",    "gauge_h"};

Labels Named(const std::string& name, int i = 0) {
  return Labels{{"__name__", name}, {"i", std::to_string(i)}, {"job", "j"}};
}

using Values = std::map<std::string, std::map<int64_t, std::pair<double, double>>>;

class RandomSite {
 public:
  explicit RandomSite(uint32_t seed) : store_(kDay), random_(seed) {
    store_.options.retention_time = Duration{0};
    store_.options.sync_interval = hours(1);
    store_.Open();
    EngineOptions options;
    options.features.experimental_functions = true;
    engine_ = std::make_unique<Engine>(options, *store_.db, store_.scheduler, metrics_);
  }
  ~RandomSite() { engine_.reset(); }

  uint32_t Below(uint32_t n) { return random_() % n; }

  void Fill() {
    const int steps_s[] = {60, 97, 120, 300};
    const Duration step{steps_s[Below(4)] * 1000};
    const bool jitter = Below(2) == 0;  // otherwise samples at midnight itself
    struct Late {
      Timestamp t, due;
      std::string name;
      double value;
    };
    std::vector<Late> late;
    for (Timestamp at = kDay; at < kDay + hours(kHours); at = at + step) {
      const Timestamp t = at + (jitter ? Duration{Below(900)} : Duration{0});
      store_.scheduler.Advance(step);
      NextValues();
      std::vector<std::pair<Labels, double>> row;
      const auto add = [&](const std::string& name, double value) {
        if (Below(60) == 0)
          late.push_back({t, t + minutes(Below(40 * 60)), name, value});
        else
          row.emplace_back(Named(name), value);
      };
      add("c_total", counter_);
      add("d_total", decimal_);
      add("wild_total", wild_);
      add("g", (Below(2000)) * 0.01 - 10);
      add("huge", std::ldexp(1.0 + Below(1000), static_cast<int>(Below(80)) - 40));
      add("constant", 3.25);
      if (Below(4) == 0) add("odd", Odd());
      if (Below(3) != 0 && (at - kDay) / hours(5) % 3 != 1) add("gaps", Below(9));
      if (lives_) add("churn", Below(30) == 0 ? StaleMarker() : counter_);
      const bool as_histogram = (at - kDay) / hours(7) % 2 == 1;
      if (!as_histogram) row.emplace_back(Named("mixed"), counter_);
      store_.Append(t, row);
      if (as_histogram) AppendHistogram("mixed", t, false);
      if (Below(3) == 0) AppendHistogram("h", t, false);
      if (Below(3) == 0) AppendHistogram("gauge_h", t, true);
      std::erase_if(late, [&](const Late& one) {
        if (one.due > t) return false;
        store_.AppendColumn(Named(one.name), {one.t}, {one.value});
        return true;
      });
    }
    for (const Late& one : late) store_.AppendColumn(Named(one.name), {one.t}, {one.value});
  }

  void Delete() {
    const std::vector<Matcher> some{*Matcher::Create(MatchOp::kRegex, "__name__", "g|c_total|h")};
    const Timestamp from = kDay + minutes(Below(40 * 60)) + Duration{Below(60'000)};
    ASSERT_TRUE(store_.db->DeleteSeries(some, from, from + minutes(Below(600))).ok());
  }

  Values Ask(const std::string& text, Timestamp start, Timestamp end, Duration step,
             Duration resolution) {
    QueryOptions options;
    options.max_source_resolution = resolution;
    const auto result = engine_->Range(text, start, end, step, options);
    EXPECT_TRUE(result.ok()) << text;
    Values out;
    if (!result.ok()) return out;
    read_ = result->stats.samples_read;
    for (const auto& series : std::get<Matrix>(result->value.v)) {
      auto& of = out[series.labels.ToString()];
      for (const auto& [t, v] : series.floats) of[t.ms] = {v, 0};
      for (const auto& [t, h] : series.histograms) of[t.ms] = {h->count, h->sum};
    }
    return out;
  }
  uint64_t read() const { return read_; }
  Store& store() { return store_; }

  // A query whose times and range lie on the grid of some level, or nearly so.
  struct Query {
    std::string text, function, name;
    Timestamp start, end;
    Duration step;
  };
  Query Draw(bool on_hours) {
    Query q;
    q.function = kFunctions[Below(std::size(kFunctions))];
    q.name = kNames[Below(std::size(kNames))];
    const Duration grid = on_hours || Below(2) == 0 ? kHour : Duration{300'000};
    const Duration range = (1 + Below(9)) * grid;
    q.step = (1 + Below(3)) * grid;
    q.start = kDay + 10 * kHour + static_cast<int64_t>(Below(20)) * grid;
    if (!on_hours && Below(5) == 0) q.start = q.start + Duration{Below(3'600'000)};
    q.end = q.start + (5 + Below(25)) * q.step;
    std::string selector = q.name + "[" + std::to_string(range.count() / 1000) + "s]";
    if (Below(5) == 0) selector += " offset " + std::to_string(grid.count() / 1000) + "s";
    q.text = q.function + "(" + selector + ")";
    if (Below(6) == 0) q.text = "sum by (job) (" + q.text + ")";
    if (Below(8) == 0) q.text = q.function = q.name;
    return q;
  }

 private:
  void NextValues() {
    counter_ = Below(300) == 0 ? Below(3) : counter_ + Below(100);
    decimal_ += Below(1000) * 0.001;
    if (Below(500) == 0) decimal_ = 0;
    // Falls too often for resets to be kept by a level.
    wild_ = Below(3) == 0 ? Below(50) : wild_ + Below(9) * 0.1;
    if (Below(70) == 0) lives_ = !lives_;
  }
  double Odd() {
    constexpr double kOdd[] = {0.0, -0.0, 1.5, -7};
    switch (Below(8)) {
      case 0:
        return std::nan("");
      case 1:
        return -std::numeric_limits<double>::infinity();
      default:
        return kOdd[Below(4)];
    }
  }
  void AppendHistogram(const std::string& name, Timestamp t, bool gauge) {
    Histogram h;
    h.integer = true;
    if (gauge) h.reset_hint = CounterResetHint::kGauge;
    const double a = gauge ? Below(50) : counter_, b = gauge ? Below(50) : std::floor(decimal_);
    h.count = a + b;
    h.sum = a * 0.5;
    h.positive_spans = {{0, 2}};
    h.positive_buckets = {a, b};
    auto appender = store_.db->NewAppender();
    const auto ref = appender->Resolve(Named(name));
    ASSERT_TRUE(ref.ok());
    ASSERT_TRUE(appender->AppendHistogram(*ref, t, h).ok());
    Store::Commit(*appender);
  }

  Store store_;
  std::mt19937 random_;
  MetricRegistry metrics_;
  std::unique_ptr<Engine> engine_;
  double counter_ = 0, decimal_ = 0, wild_ = 0;
  bool lives_ = true;
  uint64_t read_ = 0;
};

bool Same(double a, double b, double scale) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::fabs(a - b) <= 1e-11 * std::max({scale, std::fabs(a), std::fabs(b)});
}

// `some`: of `want` more may be missing, nothing may be different.
void ExpectSame(const Values& got, const Values& want, const std::string& what, bool some = false) {
  double scale = 0;
  for (const auto& [name, values] : want)
    for (const auto& [t, v] : values)
      if (std::isfinite(v.first)) scale = std::max(scale, std::fabs(v.first));
  for (const auto& [name, values] : got) {
    const auto of = want.find(name);
    ASSERT_NE(of, want.end()) << what << " " << name;
    for (const auto& [t, v] : values) {
      const auto at = of->second.find(t);
      ASSERT_NE(at, of->second.end()) << what << " " << name << " " << t << " " << v.first;
      ASSERT_TRUE(Same(v.first, at->second.first, scale) &&
                  Same(v.second, at->second.second, scale))
          << what << " " << name << " " << t << ": " << v.first << " " << v.second << ", raw "
          << at->second.first << " " << at->second.second;
    }
    if (!some) {
      ASSERT_EQ(values.size(), of->second.size()) << what << " " << name;
    }
  }
  if (!some) {
    ASSERT_EQ(got.size(), want.size()) << what;
  }
}

bool NeedsRaw(const std::string& function) {
  for (const char* name :
       {"irate", "idelta", "changes", "deriv", "stddev_over_time", "mad_over_time"})
    if (function == name) return true;
  return false;
}

uint32_t Seeds() {
  const char* asked = std::getenv("TOCSIN_LEVEL_SEEDS");
  return asked == nullptr ? 5 : static_cast<uint32_t>(std::atoi(asked));
}

class RandomLevels : public ::testing::TestWithParam<uint32_t> {};

TEST_P(RandomLevels, ChangeNoValue) {
  RandomSite site(GetParam());
  site.Fill();
  uint64_t cheaper = 0;
  const auto compare = [&](int queries) {
    for (int i = 0; i < queries && !::testing::Test::HasFatalFailure(); ++i) {
      const auto q = site.Draw(false);
      const Values raw = site.Ask(q.text, q.start, q.end, q.step, Duration{0});
      const uint64_t from_raw = site.read();
      const Values level = site.Ask(q.text, q.start, q.end, q.step, kAnyResolution);
      cheaper += site.read() < from_raw / 2 ? 1 : 0;
      ExpectSame(level, raw, q.text + " from " + std::to_string((q.start - kDay).count()));
    }
  };
  // Late samples still open, then sealed and in the levels, then with deletions, then restarted.
  compare(40);
  ASSERT_TRUE(site.store().db->Compact().ok());
  compare(120);
  site.Delete();
  compare(20);
  ASSERT_TRUE(site.store().db->Compact().ok());
  compare(60);
  EXPECT_GT(cheaper, 2u);  // it was levels that were read
}

// What only levels tell is what raw samples told.
TEST_P(RandomLevels, TellWhatHasExpired) {
  RandomSite site(GetParam() + 1000);
  site.Fill();
  ASSERT_TRUE(site.store().db->Compact().ok());
  std::vector<std::pair<RandomSite::Query, Values>> before;
  for (int i = 0; i < 120; ++i) {
    RandomSite::Query q = site.Draw(true);
    // Who needs raw samples sees those of the third day only.
    if (NeedsRaw(q.function)) continue;
    before.emplace_back(q, site.Ask(q.text, q.start, q.end, q.step, Duration{0}));
  }
  storage::RetentionRules rules;
  rules.five_minutes = rules.one_hour = hours(24 * 100);
  site.store().db->SetRetention(hours(2), 0);
  ASSERT_TRUE(site.store().db->SetRetentionRules(rules).ok());
  site.store().scheduler.Advance(hours(1));
  size_t told = 0;
  for (const auto& [q, values] : before) {
    const Values now = site.Ask(q.text, q.start, q.end, q.step, kAnyResolution);
    const bool aggregated = q.text.starts_with("sum by");
    // A sum over several series would differ where some of them are not told; there is one each.
    ExpectSame(now, values, q.text, /*some=*/true);
    if (::testing::Test::HasFatalFailure()) return;
    for (const auto& [name, of] : now) told += of.size();
    // What the table promises is all there.
    const bool counter = q.name == "c_total" || q.name == "d_total" || q.name == "constant";
    const bool any = q.function == "min_over_time" || q.function == "max_over_time" ||
                     q.function == "count_over_time" || q.function == "last_over_time" ||
                     q.function == "first_over_time" || q.function == "present_over_time" ||
                     q.function == "delta";
    const bool sums = q.function == "sum_over_time" || q.function == "avg_over_time";
    const bool rates = q.function == "rate" || q.function == "increase" || q.function == "resets";
    const bool gauge = q.name == "g" || q.name == "gaps" || q.name == "huge" ||
                       q.name == "constant" || q.name == "odd";
    const bool native = q.name == "h" || q.name == "mixed" || q.name == "gauge_h";
    if (!aggregated && !native && (any || (sums && gauge) || (rates && counter)))
      ExpectSame(now, values, q.text + " (all of it)");
    if (!aggregated && q.name == "h" && rates) ExpectSame(now, values, q.text + " (all of it)");
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(told, 500u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLevels, ::testing::Range(1u, 1 + Seeds()));

}  // namespace
}  // namespace tocsin::query
