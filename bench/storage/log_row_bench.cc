// Rows of scrapes: one owner, one row a scrape.
#include "storage/codec/log_row.h"

#include <benchmark/benchmark.h>

#include "bench/storage/host_series.h"
#include "bench/storage/report.h"

namespace tocsin::bench {
namespace {

using storage::LogRowDecoder;
using storage::LogRowEncoder;

constexpr size_t kEntries = 128;
constexpr uint64_t kOwner = 64;

struct Scrapes {
  std::vector<SeriesRef> ids;
  std::vector<std::vector<double>> rows;
};

Scrapes ScrapesOf(int kind) {
  Scrapes out;
  const Columns columns = ColumnsOf(kind, kEntries);
  for (uint64_t i = 0; i < columns.size(); ++i) out.ids.push_back({64 + i});
  out.rows.resize(columns.empty() ? 0 : kEntries);
  for (size_t i = 0; i < out.rows.size(); ++i) {
    for (const auto& column : columns) out.rows[i].push_back(column[i]);
  }
  return out;
}

Timestamp TimeOf(size_t row) { return {1'700'000'000'000 + static_cast<int64_t>(row) * 15'000}; }

void BM_EncodeRow(benchmark::State& state) {
  const Scrapes scrapes = ScrapesOf(static_cast<int>(state.range(0)));
  if (scrapes.rows.empty()) return state.SkipWithError("no recording");
  std::string row;
  size_t bytes = 0;
  for (auto _ : state) {
    storage::OwnerLogState owner;
    bytes = 0;
    row.clear();
    LogRowEncoder::Layout(kOwner, owner, true, scrapes.ids, row);
    for (size_t i = 0; i < scrapes.rows.size(); ++i) {
      row.clear();
      LogRowEncoder::Timeline(kOwner, owner, TimeOf(i), scrapes.rows[i], row);
      bytes += row.size();
    }
  }
  const size_t samples = scrapes.ids.size() * kEntries;
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  Report(state, samples, bytes, samples);
}
BENCHMARK(BM_EncodeRow)->Arg(kConstant)->Arg(kCounter)->Arg(kGauge)->Arg(kHost)->Arg(kRecorded);

void BM_ReplayRow(benchmark::State& state) {
  const Scrapes scrapes = ScrapesOf(static_cast<int>(state.range(0)));
  if (scrapes.rows.empty()) return state.SkipWithError("no recording");
  storage::OwnerLogState owner;
  std::vector<std::string> rows(1);
  LogRowEncoder::Layout(kOwner, owner, true, scrapes.ids, rows[0]);
  for (size_t i = 0; i < scrapes.rows.size(); ++i) {
    rows.emplace_back();
    LogRowEncoder::Timeline(kOwner, owner, TimeOf(i), scrapes.rows[i], rows.back());
  }
  for (auto _ : state) {
    LogRowDecoder decoder;
    storage::LogRow out;
    for (const std::string& row : rows) {
      if (!decoder.Decode(row, &out).ok()) state.SkipWithError("damage");
      benchmark::DoNotOptimize(out.values.data());
    }
  }
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  Report(state, scrapes.ids.size() * kEntries, 0, 0);
}
BENCHMARK(BM_ReplayRow)->Arg(kConstant)->Arg(kCounter)->Arg(kGauge)->Arg(kHost)->Arg(kRecorded);

}  // namespace
}  // namespace tocsin::bench
