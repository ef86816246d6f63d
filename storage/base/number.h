// Floats in and out, exactly as Go (hence Prometheus) reads and prints them. Formats differ by
// place; each has a function of its own. All append to `out` and never fail. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// strconv.ParseFloat for decimal input: sign, digits, exponent, "Inf", "Infinity", "NaN" in any
// case. The whole text must be consumed. No hex, no underscores. 1e400 gives +Inf (out of range
// is not an error). NaN has the bits of kNormalNaN.
std::optional<double> ParseFloat(std::string_view text);
std::optional<int64_t> ParseInt(std::string_view text);
std::optional<uint64_t> ParseUint(std::string_view text);

inline constexpr uint64_t kNormalNaNBits = 0x7ff8000000000001;
inline constexpr uint64_t kStaleNaNBits = 0x7ff0000000000002;

// JSON API sample values (without quotes): shortest 'f', or 'e' if 0 < |x| < 1e-6 or |x| >= 1e21
// ("1e-07", "1e+21"); NaN, +Inf, -Inf.
void AppendApiFloat(std::string& out, double v);
// Go's %v and 'g': shortest digits, exponent form below 1e-4 and from 1e6 on ("1.234567e+06").
// Template `{{ $value }}` (checked against promtool) and the text exposition format.
void AppendGoFloat(std::string& out, double v);
// Shortest 'f', never an exponent: count_values labels.
void AppendPlainFloat(std::string& out, double v);
// Shortest 'e', at least two exponent digits ("1e+00"): alerts[].value.
void AppendExpFloat(std::string& out, double v);
// OpenMetrics: integers get ".0" ("1.0", "1e+06"): label values of le and quantile.
void AppendOpenMetricsFloat(std::string& out, double v);
// API timestamp: seconds, "." and exactly three digits only when the ms part is not zero.
void AppendApiTimestamp(std::string& out, int64_t ms);

std::string FormatGoFloat(double v);

}  // namespace tocsin
