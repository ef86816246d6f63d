// Queries over 10,000 series of two hours (a sample every 15 s), from memory: what the engine
// itself costs. Range queries have 121 steps of a minute.
#include "query/engine.h"

#include <benchmark/benchmark.h>

#include <chrono>

#include "query/language.h"

namespace tocsin::bench {
namespace {

using query::Engine;
using query::Features;

constexpr int kSeries = 10'000;
constexpr int kSamples = 480;
constexpr int64_t kInterval = 15'000;

// Counters with resets, in one block a series.
class Store final : public storage::Queryable {
 public:
  Store() {
    for (int i = 0; i < kSamples; ++i) times_.push_back(Timestamp{(i + 1) * kInterval});
    for (int s = 0; s < kSeries; ++s) {
      labels_.push_back(Labels{{"__name__", "requests_total"},
                               {"job", "api"},
                               {"instance", "host-" + std::to_string(s / 100)},
                               {"path", "/v1/" + std::to_string(s % 100)}});
      auto& values = values_.emplace_back();
      double v = 0;
      for (int i = 0; i < kSamples; ++i) values.push_back(v = i % 400 == 399 ? 0 : v + s % 7 + 0.5);
    }
    for (int h = 0; h < kSeries / 100; ++h) {
      info_.push_back(Labels{{"__name__", "host_info"},
                             {"instance", "host-" + std::to_string(h)},
                             {"rack", std::to_string(h % 10)}});
    }
  }

  Result<std::unique_ptr<storage::SeriesSet>> Select(std::span<const Matcher> matchers,
                                                     Timestamp from, Timestamp to,
                                                     const storage::SelectHints&) const override {
    const bool info = matchers.back().value() == "host_info";
    return std::unique_ptr<storage::SeriesSet>(
        std::make_unique<Set>(*this, info ? info_ : labels_, from, to));
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher>, Timestamp,
                                              Timestamp) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(const std::string&, std::span<const Matcher>,
                                               Timestamp, Timestamp) const override {
    return std::vector<std::string>();
  }
  std::vector<std::pair<std::string, Metadata>> MetricMetadata(const std::string&) const override {
    return {};
  }

 private:
  struct Set final : storage::SeriesSet {
    Set(const Store& s, const std::vector<Labels>& l, Timestamp from, Timestamp to)
        : store(s), all(l) {
      first = std::lower_bound(s.times_.begin(), s.times_.end(), from) - s.times_.begin();
      count = std::upper_bound(s.times_.begin(), s.times_.end(), to) - s.times_.begin() - first;
    }
    size_t size() const override { return all.size(); }
    const Labels& labels(size_t i) const override { return all[i]; }
    std::unique_ptr<storage::SampleReader> NewReader() const override {
      return std::make_unique<Reader>(*this);
    }
    const Store& store;
    const std::vector<Labels>& all;
    size_t first, count;
  };
  struct Reader final : storage::SampleReader {
    explicit Reader(const Set& s) : set(s) {}
    Status Seek(size_t i) override {
      index = i;
      done = set.count == 0;
      return OkStatus();
    }
    Result<bool> Next(storage::SampleBlock* block) override {
      if (done) return false;
      block->times = std::span(set.store.times_).subspan(set.first, set.count);
      block->values = std::span(set.store.values_[index]).subspan(set.first, set.count);
      block->histograms = {};
      done = true;
      return true;
    }
    const Set& set;
    size_t index = 0;
    bool done = true;
  };

  std::vector<Timestamp> times_;
  std::vector<Labels> labels_, info_;
  std::vector<std::vector<double>> values_;
};

class SteadyClock final : public Clock {
 public:
  Timestamp Now() const override { return {0}; }
  MonotonicTime Monotonic() const override { return {std::chrono::nanoseconds(0)}; }
};

void RunRange(benchmark::State& state, const char* text) {
  static const Store store;
  static const SteadyClock clock;
  static MetricRegistry metrics;
  const Engine engine({}, store, clock, metrics);
  uint64_t samples = 0;
  for (auto _ : state) {
    auto result =
        engine.Range(text, Timestamp{0}, Timestamp{kSamples * kInterval}, Duration{60'000});
    if (!result.ok()) return state.SkipWithError(result.error().message().c_str());
    samples += result->stats.samples_read;
    benchmark::DoNotOptimize(result);
  }
  state.counters["samples/s"] =
      benchmark::Counter(static_cast<double>(samples), benchmark::Counter::kIsRate);
}

void BM_Query(benchmark::State& state) {
  static constexpr const char* kQueries[] = {
      "requests_total",
      "rate(requests_total[5m])",
      "sum(rate(requests_total[5m]))",
      "sum by (instance) (rate(requests_total[5m]))",
      "avg_over_time(requests_total[10m])",
      "max_over_time(requests_total[10m])",
      "quantile_over_time(0.9, requests_total[10m])",
      "quantile by (instance) (0.9, requests_total)",
      "topk(5, requests_total)",
      "rate(requests_total[5m]) * on (instance) group_left (rack) host_info",
      "requests_total / requests_total",
      "max_over_time(sum(rate(requests_total[5m]))[30m:1m])",
  };
  const char* text = kQueries[state.range(0)];
  state.SetLabel(text);
  RunRange(state, text);
}
BENCHMARK(BM_Query)->DenseRange(0, 11)->Unit(benchmark::kMillisecond);

void BM_Parse(benchmark::State& state) {
  constexpr std::string_view kText =
      "sum by (job, instance) (rate(http_requests_total{job=~\"api|web\", code!~\"5..\"}[5m] "
      "offset "
      "1h)) / on (instance) group_left (rack) (count(up == 1) > bool 0.5 * 3)";
  for (auto _ : state) benchmark::DoNotOptimize(query::CheckQuery(kText));
}
BENCHMARK(BM_Parse);

}  // namespace
}  // namespace tocsin::bench
