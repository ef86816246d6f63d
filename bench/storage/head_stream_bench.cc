// Open streams, appended to scrape by scrape as a scrape loop does, over more series than a cache
// holds.
#include "storage/codec/head_stream.h"

#include <benchmark/benchmark.h>

#include "bench/storage/host_series.h"
#include "bench/storage/report.h"

namespace tocsin::bench {
namespace {

using storage::HeadStream;
using storage::SlabPool;

constexpr size_t kEntries = 128;
constexpr size_t kTargets = 100;

struct Head {
  SlabPool pool;
  std::vector<HeadStream> streams;

  void Reset() {
    for (HeadStream& stream : streams) stream.Reset(pool);
  }
};

// Row i holds value i of every series.
std::vector<std::vector<double>> Rows(const Columns& columns) {
  std::vector<std::vector<double>> rows(kEntries);
  for (size_t i = 0; i < kEntries; ++i) {
    for (const auto& column : columns) rows[i].push_back(column[i]);
  }
  return rows;
}

void AppendAll(Head& head, const std::vector<std::vector<double>>& rows) {
  for (const auto& row : rows) {
    HeadStream* stream = head.streams.data();
    for (size_t target = 0; target < kTargets; ++target) {
      for (const double v : row) (stream++)->Append(v, head.pool);
    }
  }
}

void BM_Append(benchmark::State& state) {
  const Columns columns = ColumnsOf(static_cast<int>(state.range(0)), kEntries);
  if (columns.empty()) return state.SkipWithError("no recording");
  const auto rows = Rows(columns);
  Head head;
  head.streams.resize(columns.size() * kTargets);
  size_t bytes = 0;
  for (auto _ : state) {
    AppendAll(head, rows);
    state.PauseTiming();
    bytes = head.pool.used_bytes();
    head.Reset();
    state.ResumeTiming();
  }
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  const size_t samples = head.streams.size() * kEntries;
  Report(state, samples, bytes, samples);
}
BENCHMARK(BM_Append)
    ->Arg(kConstant)
    ->Arg(kCounter)
    ->Arg(kGauge)
    ->Arg(kFull)
    ->Arg(kHost)
    ->Arg(kRecorded)
    ->Unit(benchmark::kMillisecond);

void BM_DecodeStream(benchmark::State& state) {
  const Columns columns = ColumnsOf(static_cast<int>(state.range(0)), kEntries);
  if (columns.empty()) return state.SkipWithError("no recording");
  SlabPool pool;
  std::vector<HeadStream> streams(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    for (const double v : columns[i]) streams[i].Append(v, pool);
  }
  std::vector<double> out(kEntries);
  storage::Presence presence;
  for (auto _ : state) {
    for (const HeadStream& stream : streams) {
      benchmark::DoNotOptimize(stream.Decode(out, presence));
      benchmark::ClobberMemory();
    }
  }
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  Report(state, columns.size() * kEntries, 0, 0);
}
BENCHMARK(BM_DecodeStream)->Arg(kCounter)->Arg(kGauge)->Arg(kFull)->Arg(kHost)->Arg(kRecorded);

}  // namespace
}  // namespace tocsin::bench
