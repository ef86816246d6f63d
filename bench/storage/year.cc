// A year (or a month) of scrapes on a virtual clock: what raw samples and levels take on disk, and
// what a panel over all of it costs from raw samples and from the 1h level.
//
//   storage_year [--days N] [--series N] [--dir PATH] [--check]
//
// Two thirds of the series never change, as on real hosts; the others are counters with resets and
// gauges of two decimals. --check fails when a figure is worse than its bound; how much cheaper the
// level is counts for a year only.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "query/engine.h"
#include "storage/db.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"

namespace tocsin {
namespace {

constexpr int kPerTarget = 100;
constexpr Timestamp kStart{1'672'531'200'000};  // 2023-01-01
constexpr Duration kStep{15'000};

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Target {
  std::vector<SeriesRef> refs;
  std::vector<double> values;
  storage::RowHint hint;
};

class Year {
 public:
  Year(const std::string& dir, int series) : targets_(static_cast<size_t>(series / kPerTarget)) {
    storage::Options options;
    options.path = dir;
    options.retention_time = Duration{0};
    options.sync_interval = Duration{15'000};  // a timer a virtual second would be what is measured
    options.memory_max = 512u << 20;
    options.series_max = 1u << 20;
    db_ = *storage::Db::Open(
        options, storage::Ports{scheduler_, scheduler_, inline_, inline_, inline_, metrics_});
    auto appender = db_->NewAppender();
    for (size_t t = 0; t < targets_.size(); ++t) {
      for (int s = 0; s < kPerTarget; ++s) {
        const std::string name = IsCounter(s) ? "c" + std::to_string(s) + "_total"
                                 : IsGauge(s) ? "g" + std::to_string(s)
                                              : "k" + std::to_string(s);
        targets_[t].refs.push_back(*appender->Resolve(Labels{
            {"__name__", name}, {"instance", "host-" + std::to_string(t)}, {"job", "node"}}));
      }
      targets_[t].values.assign(kPerTarget, 0);
    }
  }

  void Run(int days) {
    const auto steps = std::chrono::hours(24) / kStep;
    for (int day = 0; day < days; ++day) {
      for (int64_t i = 0; i < steps; ++i) Scrape();
      if ((day + 1) % 30 == 0) std::fprintf(stderr, "day %d, %.0f s CPU\n", day + 1, CpuSeconds());
    }
    scheduler_.Advance(std::chrono::hours(7));  // the last day closes too
    if (!db_->Compact().ok()) std::exit(1);
  }

  double LevelBytes(const char* level) const {
    const std::string text = metrics_.Serialize();
    const std::string name = std::string("tocsin_storage_level_bytes{level=\"") + level + "\"} ";
    const size_t at = text.find(name);
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + name.size(), nullptr);
  }
  uint64_t samples() const { return samples_; }

  // CPU seconds of one evaluation, the better of a few.
  double Ask(const std::string& query, int days, Duration resolution, int times,
             uint64_t* read) const {
    query::EngineOptions engine_options;
    engine_options.max_samples = uint64_t{1} << 40;
    MetricRegistry metrics;
    const query::Engine engine(engine_options, *db_, scheduler_, metrics);
    query::QueryOptions options;
    options.max_source_resolution = resolution;
    double best = 1e9;
    for (int i = 0; i < times; ++i) {
      const double begin = CpuSeconds();
      const auto result =
          engine.Range(query, kStart + std::chrono::hours(2),
                       kStart + std::chrono::hours(24) * days, std::chrono::hours(2), options);
      if (!result.ok()) {
        std::fprintf(stderr, "%s\n", result.error().message().c_str());
        std::exit(1);
      }
      *read = result->stats.samples_read;
      best = std::min(best, CpuSeconds() - begin);
    }
    return best;
  }

 private:
  static bool IsCounter(int s) { return s < 20; }
  static bool IsGauge(int s) { return s >= 20 && s < 34; }

  void Scrape() {
    for (Target& target : targets_) {
      for (int s = 0; s < 34; ++s) {
        double& v = target.values[static_cast<size_t>(s)];
        const uint32_t r = random_();
        if (IsCounter(s))
          v = r % 400'000 == 0 ? 0 : v + r % (10u << (s / 3));
        else if (r % 4 != 0)  // many gauges move seldom
          v = std::round(v * 100 + static_cast<double>(r % 101) - 50) / 100;
      }
      auto appender = db_->NewAppender();
      appender->AppendRow(target.hint, scheduler_.Now(), target.refs, target.values);
      appender->Commit([](const storage::CommitResult&) {});
      samples_ += kPerTarget;
    }
    scheduler_.Advance(kStep);
  }

  testing::ManualScheduler scheduler_{kStart};
  testing::InlineExecutor inline_;
  MetricRegistry metrics_;
  std::unique_ptr<storage::Db> db_;
  std::vector<Target> targets_;
  std::mt19937 random_{1};
  uint64_t samples_ = 0;
};

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  using namespace tocsin;
  int days = 365, series = 2000;
  std::string dir;
  bool check = false;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--check")
      check = true;
    else if (arg == "--days" && i + 1 < argc)
      days = std::atoi(argv[++i]);
    else if (arg == "--series" && i + 1 < argc)
      series = std::atoi(argv[++i]);
    else if (arg == "--dir" && i + 1 < argc)
      dir = argv[++i];
    else
      return std::fprintf(stderr, "what is %s?\n", arg.c_str()), 2;
  }
  testing::TempDir temporary;
  Year year(dir.empty() ? temporary / "data" : dir, series);
  const double begin = CpuSeconds();
  year.Run(days);
  const double written = CpuSeconds() - begin;
  const double raw = year.LevelBytes("raw"), five = year.LevelBytes("5m"),
               hour = year.LevelBytes("1h");
  const auto samples = static_cast<double>(year.samples());
  std::printf("%d days, %d series, %.0f samples, %.1f ns CPU each, all work included\n", days,
              series, samples, written / samples * 1e9);
  std::printf("raw %.1f MB (%.3f B/sample), 5m %.1f MB (%.1f %%), 1h %.2f MB (%.2f %%)\n",
              raw / 1e6, raw / samples, five / 1e6, five / raw * 100, hour / 1e6, hour / raw * 100);
  bool good = five <= 0.45 * raw && hour <= 0.04 * raw;
  for (const char* query : {"avg_over_time(g25[2h])", "rate(c7_total[2h])"}) {
    uint64_t from_raw = 0, from_level = 0;
    const double slow = year.Ask(query, days, Duration{0}, 1, &from_raw);
    const double fast = year.Ask(query, days, std::chrono::hours(1), 5, &from_level);
    std::printf("%-24s raw %.0f ms (%llu samples), 1h level %.1f ms (%llu cells): %.0f x\n", query,
                slow * 1e3, static_cast<unsigned long long>(from_raw), fast * 1e3,
                static_cast<unsigned long long>(from_level), slow / fast);
    good = good && (days < 300 || slow >= 100 * fast) && fast <= 0.1;
  }
  return check && !good ? 1 : 0;
}
