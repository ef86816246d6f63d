// Samples of one series to the cells of a level.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "storage/base/time.h"
#include "storage/model/level_cell.h"

namespace tocsin::storage {

// On disk (keys of family lvl): values may not change. 0 is raw.
enum class Level : uint8_t { kRaw = 0, k5m = 1, k1h = 2 };
inline constexpr Level kLevels[] = {Level::k5m, Level::k1h};
inline constexpr size_t kLevelCount = 2;
// REQUIRES: not kRaw.
constexpr Duration ResolutionOf(Level level) {
  return Duration{level == Level::k5m ? 5 * 60 * 1000 : 60 * 60 * 1000};
}
// Where the window ends that a time lies in. REQUIRES: t >= 0.
constexpr Timestamp WindowEnd(Timestamp t, Duration resolution) {
  const int64_t r = resolution.count();
  return {(t.ms + r - 1) / r * r};
}

// Fed in ascending order of time; reusable, keeps its memory. One thread.
//
// Sums are compensated (Neumaier) or, where all samples of a window are decimals of at most six
// digits, exact sums of these decimals: both are within one unit in the last place of each other.
class CellBuilder {
 public:
  explicit CellBuilder(Duration resolution) : resolution_(resolution) {}

  void Clear() { cells_.clear(); }
  void Add(Timestamp t, double value);
  // Valid until the next Clear. `counter`: the series is a counter by its name or metadata. Of a
  // counter the sums are left out, of a series that often falls the resets, unless they cost
  // nothing.
  std::span<LevelCell> Finish(bool counter);

 private:
  void FinishSum();

  const Duration resolution_;
  std::vector<LevelCell> cells_;
  double compensation_ = 0;
  // The sum as an integer at `decimals_`, as long as all values are decimals.
  bool decimal_ = true;
  unsigned decimals_ = 0;
  int64_t integer_sum_ = 0;
};

// Joins the cells of neighbouring windows into one: what the engine and joins of levels share.
// REQUIRES: `next` is later; both have samples.
void Join(LevelCell* cell, const LevelCell& next);

}  // namespace tocsin::storage
