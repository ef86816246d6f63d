#include "query/functions/start_time.h"

#include <fmt/format.h>

namespace tocsin::query {

double StartedFactor(int64_t window_end_ms, int64_t start_ms, int64_t first_ms, int64_t last_ms,
                     size_t samples) {
  const double sampled = static_cast<double>(last_ms - start_ms) / 1000;
  const double between = static_cast<double>(last_ms - first_ms) / 1000;
  const double average = samples < 2 ? 0 : between / static_cast<double>(samples - 1);
  double to_end = static_cast<double>(window_end_ms - last_ms) / 1000;
  if (to_end >= average * 1.1) to_end = average / 2;
  return (sampled + to_end) / sampled;
}

void OverlapCheck::Window(std::span<const int64_t> starts, std::span<const int64_t> times,
                          size_t first, size_t last) {
  for (size_t i = first + 1; i < last && !raised_; ++i) {
    if (starts[i] == 0 || starts[i] >= times[i - 1] || starts[i] == starts[i - 1]) continue;
    raised_ = true;
    call_.context.annotations.WarnCounted(
        fmt::format("sample has start time that overlaps with previous sample timestamp for metric "
                    "\"{}\"",
                    call_.metric_name),
        call_.range_pos);
  }
}

}  // namespace tocsin::query
