// Samples and the staleness marker.
#pragma once

#include <bit>
#include <cmath>
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

// What is known of consecutive values without looking at them.
enum class ValueShape : uint8_t {
  kAny,
  kNumbers,    // no NaN (so no staleness marker) and no -0
  kConstant,   // all have the same bits
  kAscending,  // such numbers, none lower than the one before it
};

// Of values that are followed by others; `last` and `next` are those that meet.
inline ValueShape JoinShapes(ValueShape a, double last, ValueShape b, double next) {
  const auto same_bits = std::bit_cast<uint64_t>(last) == std::bit_cast<uint64_t>(next);
  if (a == ValueShape::kConstant && b == ValueShape::kConstant && same_bits) return a;
  const auto numbers = [](ValueShape shape, double one) {
    if (shape != ValueShape::kConstant) return shape != ValueShape::kAny;
    return one == one && !(one == 0 && std::signbit(one));
  };
  if (!numbers(a, last) || !numbers(b, next)) return ValueShape::kAny;
  const bool ascending = a != ValueShape::kNumbers && b != ValueShape::kNumbers && last <= next;
  return ascending ? ValueShape::kAscending : ValueShape::kNumbers;
}

}  // namespace tocsin
