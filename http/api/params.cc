#include "http/api/params.h"

#include <algorithm>
#include <cmath>

#include "http/api/response.h"
#include "query/language.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"

namespace tocsin::http {

namespace {

// What Go clients send for "the beginning" and "the end of time".
constexpr std::string_view kGoMinTime = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kGoMaxTime = "292277025-08-18T07:12:54.999999999Z";
constexpr double kMaxMs = 9.2e18;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

}  // namespace

Result<Timestamp> ParseApiTime(std::string_view text) {
  if (const auto seconds = ParseFloat(text)) {
    const double ms = std::round(*seconds * 1000);
    if (ms > -kMaxMs && ms < kMaxMs) return Timestamp{static_cast<int64_t>(ms)};
  } else if (text == kGoMinTime) {
    return kMinTimestamp;
  } else if (text == kGoMaxTime) {
    return kMaxTimestamp;
  } else if (auto time = ParseRfc3339(text); time.ok()) {
    return *time;
  }
  return InvalidArgument("cannot parse " + Quoted(text) + " to a valid timestamp");
}

Result<Duration> ParseApiDuration(std::string_view text) {
  const std::string message = "cannot parse " + Quoted(text) + " to a valid duration";
  if (const auto seconds = ParseFloat(text)) {
    const double ns = *seconds * 1e9;
    if (ns > -9223372036854775808.0 && ns < 9223372036854775808.0) {
      return Duration(static_cast<int64_t>(ns) / 1'000'000);
    }
    return InvalidArgument(message + ". It overflows int64");
  }
  if (auto duration = ParseDuration(text); duration.ok()) return *duration;
  return InvalidArgument(message);
}

std::string_view Param(const Request& request, std::string_view name) {
  const std::string* value = request.param(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

Result<Timestamp> TimeParam(const Request& request, std::string_view name, Timestamp fallback) {
  const std::string_view text = Param(request, name);
  if (text.empty()) return fallback;
  auto time = ParseApiTime(text);
  if (time.ok()) return *time;
  return InvalidParameter(
      name, "invalid time value for '" + std::string(name) + "': " + time.error().message());
}

Result<size_t> LimitParam(const Request& request) {
  const std::string_view text = Param(request, "limit");
  if (text.empty()) return size_t{0};
  const auto limit = ParseInt(text);
  if (!limit) {
    return InvalidParameter("limit", "strconv.Atoi: parsing " + Quoted(text) + ": invalid syntax");
  }
  if (*limit < 0) return InvalidParameter("limit", "limit must be non-negative");
  return static_cast<size_t>(*limit);
}

Result<int64_t> NumberParam(const Request& request, std::string_view name, int64_t fallback) {
  const std::string_view text = Param(request, name);
  if (text.empty()) return fallback;
  if (const auto number = ParseInt(text)) return *number;
  return InvalidArgument(std::string(name) + " must be a number");
}

std::optional<bool> ParseGoBool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

Result<TimeRange> RangeParams(const Request& request) {
  TOCSIN_ASSIGN(const Timestamp start, TimeParam(request, "start", kMinTimestamp));
  TOCSIN_ASSIGN(const Timestamp end, TimeParam(request, "end", kMaxTimestamp));
  return TimeRange{start, end};
}

Result<MatcherSets> MatchParams(const Request& request) {
  MatcherSets sets;
  for (const std::string& text : request.param_list("match[]")) {
    auto matchers = query::ParseSelector(text);
    if (!matchers.ok()) return InvalidParameter("match[]", matchers.error().message());
    const bool selects = std::any_of(matchers->begin(), matchers->end(),
                                     [](const Matcher& m) { return !m.MatchesEmpty(); });
    if (!selects) {
      return InvalidParameter("match[]", "match[] must contain at least one non-empty matcher");
    }
    sets.push_back(*std::move(matchers));
  }
  return sets;
}

}  // namespace tocsin::http
