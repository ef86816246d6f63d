// Parameters of the API, with the texts Prometheus answers. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/model/matcher.h"

namespace tocsin::http {

// Unix seconds or RFC 3339. `cannot parse "x" to a valid timestamp`.
Result<Timestamp> ParseApiTime(std::string_view text);
// Seconds or a Prometheus duration. `cannot parse "x" to a valid duration`.
Result<Duration> ParseApiDuration(std::string_view text);

// The first value, or "" when absent.
std::string_view Param(const Request& request, std::string_view name);

// `fallback` when absent. `invalid parameter "start": invalid time value for 'start': ...`.
Result<Timestamp> TimeParam(const Request& request, std::string_view name, Timestamp fallback);
// `limit`: 0 when absent.
Result<size_t> LimitParam(const Request& request);
// Whole numbers where Prometheus answers `<name> must be a number`; `fallback` when absent.
Result<int64_t> NumberParam(const Request& request, std::string_view name, int64_t fallback);
// As strconv.ParseBool; nullopt for anything else.
std::optional<bool> ParseGoBool(std::string_view text);

struct TimeRange {
  Timestamp start;
  Timestamp end;
};
// `start` and `end`; all time when absent.
Result<TimeRange> RangeParams(const Request& request);

using MatcherSets = std::vector<std::vector<Matcher>>;
// All values of `match[]`, each with a matcher that does not match the empty string. Empty when
// absent.
Result<MatcherSets> MatchParams(const Request& request);

}  // namespace tocsin::http
