// Samples and the staleness marker.
#pragma once

#include <bit>
#include <cstdint>

#include "storage/base/number.h"
#include "storage/base/time.h"

namespace tocsin {

// Names a series inside one database. Never reused. 0 names none.
struct SeriesRef {
  uint64_t id = 0;
  constexpr auto operator<=>(const SeriesRef&) const = default;
  constexpr bool valid() const { return id != 0; }
};

// The start timestamp of a sample: when what it counts began. Samples whose start nobody told have
// this one. Stored ones are less than 2^51 ms from 1970 on either side.
inline constexpr Timestamp kNoStart{0};
constexpr bool IsStorableStart(Timestamp start) {
  return start.ms > -(int64_t{1} << 51) && start.ms < int64_t{1} << 51;
}

struct Sample {
  Timestamp t;
  double v = 0;
};

// The NaN whose bits say "the series ended here"; any other NaN is a value.
inline double StaleMarker() { return std::bit_cast<double>(kStaleNaNBits); }
inline double NormalNaN() { return std::bit_cast<double>(kNormalNaNBits); }
inline bool IsStale(double v) { return std::bit_cast<uint64_t>(v) == kStaleNaNBits; }

}  // namespace tocsin
