// Durations as Prometheus writes them: ([0-9]+y)([0-9]+w)([0-9]+d)([0-9]+h)([0-9]+m)([0-9]+s)
// ([0-9]+ms), in that order, each at most once; "0" alone is allowed. 1d = 24h, 1w = 7d, 1y = 365d.
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin {

// `not a valid duration string: "x"`, `duration out of range`.
Result<Duration> ParseDuration(std::string_view text);
// "1h30m", "1m30s", "0s"; negative ones with a leading minus.
std::string FormatDuration(Duration d);

// Go's time.ParseDuration ("1m30s", "1.5h", "300ms"; no days) and String().
Result<std::chrono::nanoseconds> ParseGoDuration(std::string_view text);

// RFC 3339 UTC: "2026-01-02T03:04:05.678Z" with `digits` 0-9 decimals, or Go's RFC3339Nano
// (trailing zeros cut) when digits < 0.
std::string FormatRfc3339(Timestamp t, int digits = -1);
// With any offset; ms precision.
Result<Timestamp> ParseRfc3339(std::string_view text);

// Byte sizes: "512MB", "10GiB", "1024" (B KB MB GB TB PB EB and the KiB forms, all base 2).
Result<uint64_t> ParseByteSize(std::string_view text);

}  // namespace tocsin
