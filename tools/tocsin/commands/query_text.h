// Answers of the query API as promtool prints them.
#pragma once

#include <string>

#include "storage/base/json.h"
#include "storage/base/result.h"

namespace tocsin::commands {

// {"resultType": ..., "result": ...}: "<metric> => <value> @[<time>]" lines.
Result<std::string> FormatQueryData(const JsonValue& data);
// {"__name__": "up", "job": "a"} as up{job="a"}, or with the name in braces as /series shows it.
std::string FormatMetric(const JsonValue& metric, bool name_outside);

}  // namespace tocsin::commands
