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

struct Sample {
  Timestamp t;
  double v = 0;
};

// The NaN whose bits say "the series ended here"; any other NaN is a value.
inline double StaleMarker() { return std::bit_cast<double>(kStaleNaNBits); }
inline double NormalNaN() { return std::bit_cast<double>(kNormalNaNBits); }
inline bool IsStale(double v) { return std::bit_cast<uint64_t>(v) == kStaleNaNBits; }

}  // namespace tocsin
