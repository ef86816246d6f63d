// The answer of a range query as JSON: 1,000 series of 1,000 points, a third of them counters, a
// third with few decimals, a third with all their digits. Items are points.
#include "http/api/value_json.h"

#include <benchmark/benchmark.h>

#include <string>

namespace tocsin::http {
namespace {

query::Matrix MakeMatrix(int series, int points) {
  query::Matrix matrix;
  for (int s = 0; s < series; ++s) {
    query::Series& one = matrix.emplace_back();
    one.labels = Labels{{"__name__", "http_requests_total"},
                        {"instance", "host" + std::to_string(s)},
                        {"job", "api"}};
    for (int i = 0; i < points; ++i) {
      const double v = s % 3 == 0   ? static_cast<double>(i) * s
                       : s % 3 == 1 ? i * 0.25 + s * 0.01
                                    : static_cast<double>(s) / (i + 1);
      one.floats.push_back({Timestamp{1'700'000'000'000 + i * 15'000}, v});
    }
  }
  return matrix;
}

void RangeAnswer(benchmark::State& state) {
  const query::Value value{MakeMatrix(1000, 1000)};
  size_t bytes = 0;
  for (auto _ : state) {
    std::string out;
    AppendResult(out, value);
    bytes += out.size();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 1'000'000);
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(RangeAnswer)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin::http
