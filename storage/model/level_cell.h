// The aggregate that a downsampling level keeps for one window of one series.
#pragma once

#include <cstdint>

#include "storage/base/time.h"

namespace tocsin::storage {

// What a level keeps of the float samples of one series in the window (end - resolution, end].
// Windows are self-contained: what lies between two of them follows from `last` and the next
// `first`, so that cells of neighbouring windows add up exactly. Staleness markers are no samples.
struct LevelCell {
  Timestamp end;                    // a multiple of the resolution
  Timestamp first_time, last_time;  // true times of the samples; set when count > 0
  uint32_t count = 0;               // 0: the window only says that the series ended
  uint32_t resets = 0;              // samples lower than the one before, inside the window
  double first = 0, last = 0;       // NaN like any other value
  double sum = 0;                   // compensated; NaN when a sample is
  double min = 0, max = 0;          // of the samples that are not NaN; NaN when there is none
  double dropped = 0;               // sum of the values before each reset: the increase inside the
                                    // window is last - first + dropped
  bool ended = false;               // a staleness marker came after the last sample
  bool has_sum = true;              // false: `sum` is not kept (counters)
  bool has_resets = true;           // false: `resets` and `dropped` are not kept (gauges)
};

// The cell of one sample. REQUIRES: no staleness marker.
inline LevelCell CellOf(Timestamp t, double value) {
  LevelCell cell;
  cell.end = cell.first_time = cell.last_time = t;
  cell.count = 1;
  cell.first = cell.last = cell.sum = cell.min = cell.max = value;
  return cell;
}

}  // namespace tocsin::storage
