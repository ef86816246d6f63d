// ns and bytes per sample, the two numbers every codec benchmark reports.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>

namespace tocsin::bench {

inline void Report(benchmark::State& state, size_t samples_per_iteration, size_t bytes,
                   size_t bytes_samples) {
  using benchmark::Counter;
  const auto samples = static_cast<double>(samples_per_iteration);
  state.counters["s/sample"] =
      Counter(samples, Counter::kIsIterationInvariantRate | Counter::kInvert);
  if (bytes_samples != 0) {
    state.counters["B/sample"] = static_cast<double>(bytes) / static_cast<double>(bytes_samples);
  }
}

}  // namespace tocsin::bench
