// Numbers for people, as Prometheus' and Alertmanager's humanize functions write them.
#pragma once

#include <string>

#include "alerting/template/value.h"
#include "storage/base/result.h"

namespace tocsin::alerting {

// A float, int, duration (in seconds) or a string that reads as a float. The error is Go's.
Result<double> ToNumber(const TemplateValue& value);

// What toTime makes of seconds since 1970. REQUIRES: in nanoseconds they fit an int64.
Timestamp UnixTime(double seconds);

std::string Humanize(double v);                // 1234567 -> 1.235M
std::string Humanize1024(double v);            // 1048576 -> 1Mi
std::string HumanizeDuration(double seconds);  // 3661 -> 1h 1m 1s
std::string HumanizePercentage(double v);      // 0.5 -> 50%
// UTC, ms precision: 2015-06-23 13:19:44.128 +0000 UTC.
Result<std::string> HumanizeTimestamp(double seconds);

}  // namespace tocsin::alerting
