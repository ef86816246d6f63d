// Points and spans of time. Wall-clock times are milliseconds since the Unix epoch, as Prometheus
// stores them; monotonic times have nanosecond resolution and mean nothing across processes.
// Pure values: any thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace tocsin {

using Duration = std::chrono::milliseconds;

// Milliseconds since 1970-01-01T00:00:00Z; negative before.
struct Timestamp {
  int64_t ms = 0;

  constexpr auto operator<=>(const Timestamp&) const = default;
  constexpr double seconds() const { return static_cast<double>(ms) / 1000.0; }
};

inline constexpr Timestamp kMinTimestamp{std::numeric_limits<int64_t>::min()};
inline constexpr Timestamp kMaxTimestamp{std::numeric_limits<int64_t>::max()};

constexpr Timestamp operator+(Timestamp t, Duration d) { return {t.ms + d.count()}; }
constexpr Timestamp operator-(Timestamp t, Duration d) { return {t.ms - d.count()}; }
constexpr Duration operator-(Timestamp a, Timestamp b) { return Duration{a.ms - b.ms}; }

// Time since an arbitrary start; never goes back.
struct MonotonicTime {
  std::chrono::nanoseconds since_start{0};

  constexpr auto operator<=>(const MonotonicTime&) const = default;
};

constexpr std::chrono::nanoseconds operator-(MonotonicTime a, MonotonicTime b) {
  return a.since_start - b.since_start;
}
constexpr double ToSeconds(std::chrono::nanoseconds d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace tocsin
