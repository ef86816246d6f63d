// The database as a whole: scrapes of 20 targets with 500 series each through log and head, seals,
// and reads of everything. Counters give ns per sample and bytes per sample.
#include <benchmark/benchmark.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/db.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"

namespace tocsin::storage {
namespace {

constexpr int kTargets = 20;
constexpr int kSeries = 500;

// Runs what was posted when told: commits of one moment go into the log together, as they do when
// scrapes come faster than the commit thread takes them.
class Gathered final : public Executor {
 public:
  void Post(std::function<void()> fn) override { waiting_.push_back(std::move(fn)); }
  void RunAll() {
    while (!waiting_.empty()) {
      const auto fn = std::move(waiting_.front());
      waiting_.pop_front();
      fn();
    }
  }

 private:
  std::deque<std::function<void()>> waiting_;
};

struct Site {
  Site() {
    Options options;
    options.path = dir / "data";
    options.memory_max = 1u << 30;
    options.series_max = 1u << 22;
    db = *Db::Open(options, Ports{scheduler, scheduler, commit, sync, background, metrics});
    auto appender = db->NewAppender();
    for (int t = 0; t < kTargets; ++t)
      for (int s = 0; s < kSeries; ++s)
        refs[static_cast<size_t>(t)].push_back(
            *appender->Resolve(Labels{{"__name__", "metric_" + std::to_string(s)},
                                      {"job", "node"},
                                      {"instance", "host-" + std::to_string(t)},
                                      {"mode", "user"}}));
    values.resize(kSeries);
  }

  // One scrape of every target. Three series of five never change, as on real exporters.
  void Scrape() {
    for (int s = 0; s < kSeries; ++s)
      values[static_cast<size_t>(s)] = s % 5 < 3 ? s : s % 5 == 3 ? n * s : n * 0.25 + s % 11 * n;
    for (size_t t = 0; t < kTargets; ++t) {
      auto appender = db->NewAppender();
      appender->AppendRow(hints[t], scheduler.Now(), refs[t], values);
      appender->Commit([](const CommitResult&) {});
      if (!together) commit.RunAll();
    }
    commit.RunAll();
    ++n;
    scheduler.Advance(Duration{15'000});
  }

  testing::TempDir dir;
  testing::ManualScheduler scheduler;
  Gathered commit;
  bool together = true;
  testing::InlineExecutor sync, background;
  MetricRegistry metrics;
  std::array<std::vector<SeriesRef>, kTargets> refs;
  std::array<RowHint, kTargets> hints;
  std::vector<double> values;
  int n = 0;
  std::unique_ptr<Db> db;
};

double SamplesPerScrape() { return kTargets * kSeries; }

void BM_AppendRow(benchmark::State& state) {
  Site site;
  site.together = state.range(0) != 0;
  state.SetLabel(site.together ? "20 rows a commit" : "a commit each row");
  site.Scrape();
  for (auto _ : state) site.Scrape();
  state.counters["ns/sample"] =
      benchmark::Counter(SamplesPerScrape() * 1e-9, benchmark::Counter::kIsIterationInvariantRate |
                                                        benchmark::Counter::kInvert);
}
BENCHMARK(BM_AppendRow)->Arg(1)->Arg(0)->Iterations(400);

void BM_Seal(benchmark::State& state) {
  Site site;
  for (auto _ : state) {
    state.PauseTiming();
    for (int i = 0; i < 240; ++i) site.Scrape();
    state.ResumeTiming();
    if (!site.db->Compact().ok()) state.SkipWithError("compact");
  }
  const double samples = SamplesPerScrape() * 240;
  state.counters["ns/sample"] = benchmark::Counter(
      samples * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["B/sample"] = static_cast<double>(site.db->Stats().disk_bytes) /
                               (samples * static_cast<double>(state.iterations()));
}
BENCHMARK(BM_Seal)->Iterations(4);

void ReadAll(benchmark::State& state, bool sealed) {
  Site site;
  for (int i = 0; i < 480; ++i) site.Scrape();
  if (sealed && !site.db->Compact().ok()) state.SkipWithError("compact");
  size_t samples = 0;
  double sum = 0;
  for (auto _ : state) {
    samples = 0;
    auto set = *site.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
    auto reader = set->NewReader();
    for (size_t i = 0; i < set->size(); ++i) {
      if (!reader->Seek(i).ok()) break;
      SampleBlock block;
      while (*reader->Next(&block)) {
        samples += block.size();
        sum += block.values[0];
      }
    }
  }
  benchmark::DoNotOptimize(sum);
  state.counters["ns/sample"] = benchmark::Counter(
      static_cast<double>(samples) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
void BM_ReadHead(benchmark::State& state) { ReadAll(state, false); }
void BM_ReadSealed(benchmark::State& state) { ReadAll(state, true); }
BENCHMARK(BM_ReadHead)->Iterations(3);
BENCHMARK(BM_ReadSealed)->Iterations(3);

// One series of 64 over 30 days of 15 s.
void BM_ReadMonthOfOne(benchmark::State& state) {
  testing::TempDir dir;
  testing::ManualScheduler scheduler;
  testing::InlineExecutor inline_executor;
  MetricRegistry metrics;
  Options options;
  options.path = dir / "data";
  options.retention_time = Duration{0};
  auto db = *Db::Open(options, Ports{scheduler, scheduler, inline_executor, inline_executor,
                                     inline_executor, metrics});
  constexpr int kOfTarget = 64, kSteps = 30 * 86'400 / 15;
  std::vector<SeriesRef> refs;
  std::vector<double> values(kOfTarget);
  {
    auto appender = db->NewAppender();
    for (int s = 0; s < kOfTarget; ++s)
      refs.push_back(*appender->Resolve(Labels{
          {"__name__", "metric_" + std::to_string(s)}, {"job", "node"}, {"instance", "host"}}));
  }
  RowHint hint;
  for (int i = 0; i < kSteps; ++i) {
    for (int s = 0; s < kOfTarget; ++s)
      values[static_cast<size_t>(s)] = s % 5 < 3 ? s : i % 977 * s;
    auto appender = db->NewAppender();
    appender->AppendRow(hint, scheduler.Now(), refs, values);
    appender->Commit([](const CommitResult&) {});
    scheduler.Advance(Duration{15'000});
  }
  if (!db->Compact().ok()) state.SkipWithError("compact");
  const std::vector<Matcher> one{Matcher(MatchOp::kEqual, "__name__", "metric_4")};
  size_t samples = 0;
  double sum = 0;
  for (auto _ : state) {
    samples = 0;
    auto set = *db->Select(one, kMinTimestamp, kMaxTimestamp, {});
    auto reader = set->NewReader();
    if (set->size() != 1 || !reader->Seek(0).ok()) return state.SkipWithError("not one series");
    for (SampleBlock block; *reader->Next(&block);) {
      samples += block.size();
      sum += block.values[0];
    }
  }
  benchmark::DoNotOptimize(sum);
  if (samples != kSteps) state.SkipWithError("samples are missing");
  state.counters["ns/sample"] = benchmark::Counter(
      static_cast<double>(samples) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_ReadMonthOfOne)->Unit(benchmark::kMillisecond)->Iterations(30);

void BM_ResolveKnown(benchmark::State& state) {
  Site site;
  auto appender = site.db->NewAppender();
  std::vector<Labels> labels;
  for (int s = 0; s < kSeries; ++s)
    labels.push_back(Labels{{"__name__", "metric_" + std::to_string(s)},
                            {"job", "node"},
                            {"instance", "host-3"},
                            {"mode", "user"}});
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(appender->Resolve(labels[i++ % kSeries]));
}
BENCHMARK(BM_ResolveKnown);

}  // namespace
}  // namespace tocsin::storage
