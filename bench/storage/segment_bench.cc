// Whole segments: 64 series that share a jittered timestamp column.
#include "storage/codec/segment.h"

#include <benchmark/benchmark.h>

#include "bench/storage/host_series.h"
#include "bench/storage/report.h"

namespace tocsin::bench {
namespace {

using storage::kSegmentSlots;

std::vector<std::string> BuildAll(const Columns& columns, const std::vector<Timestamp>& times,
                                  size_t* bytes) {
  std::vector<std::string> out;
  storage::SegmentBuilder builder;
  for (size_t i = 0; i < columns.size(); i += kSegmentSlots) {
    builder.Reset();
    const uint32_t column = builder.AddTimes(times);
    for (size_t s = 0; s < kSegmentSlots && i + s < columns.size(); ++s)
      builder.AddSlot(static_cast<unsigned>(s), column, columns[i + s]);
    out.emplace_back();
    builder.Finish(out.back());
    *bytes += out.back().size();
  }
  return out;
}

void BM_Build(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(1));
  const Columns columns = ColumnsOf(static_cast<int>(state.range(0)), n);
  if (columns.empty()) return state.SkipWithError("no recording");
  testing::Engine rng(8);
  const auto times = testing::Times(rng, n, 2);
  size_t bytes = 0;
  BuildAll(columns, times, &bytes);
  for (auto _ : state) {
    size_t again = 0;
    benchmark::DoNotOptimize(BuildAll(columns, times, &again).data());
  }
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  Report(state, columns.size() * n, bytes, columns.size() * n);
}
BENCHMARK(BM_Build)->Args({kHost, 480})->Args({kHost, 120})->Args({kRecorded, 480});

void BM_Read(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(1));
  const Columns columns = ColumnsOf(static_cast<int>(state.range(0)), n);
  if (columns.empty()) return state.SkipWithError("no recording");
  testing::Engine rng(8);
  size_t bytes = 0;
  const auto segments = BuildAll(columns, testing::Times(rng, n, 2), &bytes);
  storage::SegmentReader reader;
  storage::SegmentRun run;
  for (auto _ : state) {
    for (const std::string& segment : segments) {
      bool ok = reader.Open(segment).ok();
      for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
        if (!reader.Has(slot)) continue;
        ok = ok && reader.ReadRun(slot, 0, &run).ok();
        benchmark::DoNotOptimize(run.values.data());
        benchmark::ClobberMemory();
      }
      if (!ok) state.SkipWithError("damage");
    }
  }
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  Report(state, columns.size() * n, bytes, columns.size() * n);
}
BENCHMARK(BM_Read)->Args({kHost, 480})->Args({kHost, 120})->Args({kRecorded, 480});

}  // namespace
}  // namespace tocsin::bench
