// Sealed value columns of n samples.
#include "storage/codec/value_codec.h"

#include <benchmark/benchmark.h>

#include "bench/storage/host_series.h"
#include "bench/storage/report.h"
#include "storage/codec/bit_stream.h"

namespace tocsin::bench {
namespace {

using storage::DecodeValues;
using storage::EncodeValues;

struct Encoded {
  std::vector<std::string> columns;
  size_t bytes = 0;
};

Encoded EncodeAll(const Columns& columns) {
  Encoded out;
  for (const auto& values : columns) {
    std::string bytes;
    EncodeValues(values, bytes);
    out.bytes += bytes.size();
    bytes.append(storage::kUnpackSlack, '\0');
    out.columns.push_back(std::move(bytes));
  }
  return out;
}

void Arguments(benchmark::internal::Benchmark* b) {
  for (int kind = kConstant; kind <= kRecorded; ++kind) b->Args({kind, 480});
  for (const int kind : {kHost, kRecorded}) b->Args({kind, 120});
}

void BM_Encode(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(1));
  const Columns columns = ColumnsOf(static_cast<int>(state.range(0)), n);
  if (columns.empty()) return state.SkipWithError("no recording");
  const Encoded encoded = EncodeAll(columns);
  std::string out;
  for (auto _ : state) {
    for (const auto& values : columns) {
      out.clear();
      EncodeValues(values, out);
      benchmark::DoNotOptimize(out.data());
    }
  }
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  Report(state, columns.size() * n, encoded.bytes, columns.size() * n);
}
BENCHMARK(BM_Encode)->Apply(Arguments);

void BM_Decode(benchmark::State& state) {
  const auto n = static_cast<size_t>(state.range(1));
  const Columns columns = ColumnsOf(static_cast<int>(state.range(0)), n);
  if (columns.empty()) return state.SkipWithError("no recording");
  const Encoded encoded = EncodeAll(columns);
  std::vector<double> out(n);
  for (auto _ : state) {
    for (const std::string& column : encoded.columns) {
      const std::string_view bytes(column.data(), column.size() - storage::kUnpackSlack);
      if (!DecodeValues(bytes, out, storage::kUnpackSlack).ok()) state.SkipWithError("damage");
      benchmark::DoNotOptimize(out.data());
      benchmark::ClobberMemory();
    }
  }
  state.SetLabel(KindName(static_cast<int>(state.range(0))));
  Report(state, columns.size() * n, encoded.bytes, columns.size() * n);
}
BENCHMARK(BM_Decode)->Apply(Arguments);

}  // namespace
}  // namespace tocsin::bench
