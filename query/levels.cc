#include "query/levels.h"

#include <algorithm>

#include "query/functions/range.h"

namespace tocsin::query {
namespace {

constexpr int64_t kResolutionsMs[] = {3'600'000, 300'000};

bool Fits(int64_t resolution, int64_t first_ms, int64_t step_ms, size_t steps, int64_t range_ms,
          bool off_grid) {
  const bool one_time = steps == 1 || step_ms == 0;
  if (!one_time && step_ms < resolution) return false;
  const bool aligned = first_ms % resolution == 0 && (one_time || step_ms % resolution == 0);
  // A single look at the newest samples is cheap; on the grid many are exact.
  if (range_ms == 0) return aligned && !one_time;
  if (range_ms < 2 * resolution) return false;
  return (aligned && range_ms % resolution == 0) || (off_grid && range_ms >= 5 * resolution);
}

}  // namespace

Duration CoarsestLevel(const QueryContext& context, int64_t first_ms, int64_t step_ms, size_t steps,
                       int64_t range_ms) {
  // Levels know no start timestamps.
  if (context.features.use_start_timestamps) return Duration{0};
  // Whoever names a resolution knows of it; nobody else gets another value than from raw samples.
  const bool off_grid = context.max_source_resolution_ms != kAnyResolution.count();
  for (const int64_t resolution : kResolutionsMs)
    if (resolution <= context.max_source_resolution_ms &&
        Fits(resolution, first_ms, step_ms, steps, range_ms, off_grid))
      return Duration{resolution};
  return Duration{0};
}

int64_t LevelEdges::ResolutionAt(int64_t t_ms) const {
  const auto after =
      std::partition_point(regions_.begin(), regions_.end(),
                           [t_ms](const storage::LevelRegion& r) { return r.to.ms <= t_ms; });
  if (after == regions_.end() || after->from.ms > t_ms) return 0;
  return after->resolution.count();
}

int64_t LevelEdges::Move(int64_t t_ms) const {
  const int64_t resolution = ResolutionAt(t_ms);
  return resolution == 0 ? t_ms : t_ms / resolution * resolution;
}

std::span<const storage::LevelCell> LevelCall::cells() const { return call.series.cells; }

}  // namespace tocsin::query
