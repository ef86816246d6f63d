#include "alerting/time_interval.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "storage/base/number.h"

namespace tocsin::alerting {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

constexpr int kShortestMonth = 28;

bool InAny(const std::vector<IntegerRange>& ranges, int v) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(),
                                       [v](IntegerRange r) { return r.begin <= v && v <= r.end; });
}

int DaysInMonth(const absl::CivilSecond& t) {
  const absl::CivilMonth month(t);
  return static_cast<int>(absl::CivilDay(month + 1) - absl::CivilDay(month));
}

// Negative days count from the month's end (-1 is the last); ends are clamped to the month.
bool DayMatches(const std::vector<IntegerRange>& ranges, int day, int days) {
  if (ranges.empty()) return true;
  for (const IntegerRange& r : ranges) {
    int begin = r.begin < 0 ? days + r.begin + 1 : r.begin;
    int end = r.end < 0 ? days + r.end + 1 : r.end;
    if (begin > days || begin > end) continue;
    begin = std::max(begin, 1);
    end = std::min(end, days);
    if (begin <= day && day <= end) return true;
  }
  return false;
}

std::optional<absl::TimeZone> FindZone(const std::string& name) {
  if (name.empty() || name == "UTC") return absl::UTCTimeZone();
  if (name == "Local") return absl::LocalTimeZone();
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(name, &zone)) return std::nullopt;
  return zone;
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// "HH:MM" from 00:00 to 24:00 as minutes.
std::optional<int> ParseClock(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (size_t i : {0, 1, 3, 4}) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  if (minute > 59 || hour > 24 || (hour == 24 && minute > 0)) return std::nullopt;
  return hour * 60 + minute;
}

// Splits "a:b"; a single value is a range of one.
std::pair<std::string, std::string> SplitRange(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return {text, text};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

using ValueParser = Result<int> (*)(const std::string& text);

Result<int> ParseWeekday(const std::string& text) {
  const auto it = std::find(kWeekdays.begin(), kWeekdays.end(), Lower(text));
  if (it == kWeekdays.end()) return InvalidArgument(text + " is not a valid weekday");
  return static_cast<int>(it - kWeekdays.begin());
}

Result<int> ParseMonth(const std::string& text) {
  const auto it = std::find(kMonths.begin(), kMonths.end(), Lower(text));
  if (it != kMonths.end()) return static_cast<int>(it - kMonths.begin()) + 1;
  const auto v = ParseInt(text);
  if (!v || *v < 1 || *v > 12) return InvalidArgument(text + " is not a valid month");
  return static_cast<int>(*v);
}

Result<int> ParseYear(const std::string& text) {
  const auto v = ParseInt(text);
  if (!v || *v < 0 || *v > 1'000'000) return InvalidArgument(text + " is not a valid year");
  return static_cast<int>(*v);
}

Result<int> ParseDay(const std::string& text) {
  const auto v = ParseInt(text);
  if (!v) return InvalidArgument(text + " is not a valid day of the month");
  if (*v == 0 || *v > 31 || *v < -31) {
    return InvalidArgument(text + " is not a valid day of the month: out of range");
  }
  return static_cast<int>(*v);
}

Status CheckOrder(const IntegerRange& r, bool days) {
  if (days && r.begin < 0 && r.end > 0) {
    return InvalidArgument("end day must be negative if start day is negative");
  }
  // A day counted from the month's end lies differently in each month; refused is what is empty
  // already in the shortest.
  const auto place = [days](int v) { return days && v < 0 ? kShortestMonth + v + 1 : v; };
  if (place(r.begin) > place(r.end)) {
    return InvalidArgument("start of the range is after its end");
  }
  return OkStatus();
}

Result<std::vector<IntegerRange>> ParseRanges(const YamlNode& node, ValueParser parse, bool days) {
  TOCSIN_ASSIGN(const auto texts, YamlStringList(node));
  std::vector<IntegerRange> out;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto [begin_text, end_text] = SplitRange(texts[i]);
    const auto begin = parse(begin_text);
    if (!begin.ok()) return node.items[i].MakeError(begin.error().message());
    const auto end = parse(end_text);
    if (!end.ok()) return node.items[i].MakeError(end.error().message());
    const IntegerRange range{*begin, *end};
    if (auto order = CheckOrder(range, days); !order.ok()) {
      return node.items[i].MakeError(texts[i] + ": " + order.error().message());
    }
    out.push_back(range);
  }
  return out;
}

Result<std::pair<int, int>> ParseTimeRange(const YamlNode& node) {
  StrictMap map(node, "time range");
  std::string start, end;
  map.Read("start_time", &start);
  map.Read("end_time", &end);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (start.empty() || end.empty()) return node.MakeError("both start and end times must be given");
  const auto from = ParseClock(start), to = ParseClock(end);
  if (!from) return node.MakeError("couldn't parse timestamp " + start + ", invalid format");
  if (!to) return node.MakeError("couldn't parse timestamp " + end + ", invalid format");
  if (*from >= *to) return node.MakeError("start time cannot be equal or greater than end time");
  return std::pair{*from, *to};
}

Result<TimeBlock> ParseBlock(const YamlNode& node) {
  StrictMap map(node, "time interval");
  TimeBlock out;
  const auto read = [&](std::string_view key, ValueParser parse, bool days,
                        std::vector<IntegerRange>* into) -> Status {
    if (const YamlNode* n = map.Get(key)) {
      TOCSIN_ASSIGN(*into, ParseRanges(*n, parse, days));
      out.never = out.never || into->empty();
    }
    return OkStatus();
  };
  if (const YamlNode* times = map.Get("times")) {
    if (times->kind != YamlNode::Kind::kSequence) return times->MakeError("times must be a list");
    for (const YamlNode& item : times->items) {
      TOCSIN_ASSIGN(auto range, ParseTimeRange(item));
      out.times.push_back(range);
    }
    out.never = out.times.empty();
  }
  TOCSIN_RETURN_IF_ERROR(read("weekdays", &ParseWeekday, false, &out.weekdays));
  TOCSIN_RETURN_IF_ERROR(read("days_of_month", &ParseDay, true, &out.days_of_month));
  TOCSIN_RETURN_IF_ERROR(read("months", &ParseMonth, false, &out.months));
  TOCSIN_RETURN_IF_ERROR(read("years", &ParseYear, false, &out.years));
  map.Read("location", &out.location);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (!FindZone(out.location)) {
    return node.Find("location")
        ->MakeError("unknown time zone " + out.location + " (is the package tzdata installed?)");
  }
  return out;
}

}  // namespace

bool TimeBlock::Contains(Timestamp t) const {
  if (never) return false;
  const auto zone = FindZone(location);
  if (!zone) return false;
  const absl::CivilSecond local = absl::ToCivilSecond(absl::FromUnixMillis(t.ms), *zone);
  if (!times.empty()) {
    const int minute = local.hour() * 60 + local.minute();
    if (std::none_of(times.begin(), times.end(),
                     [minute](const auto& r) { return r.first <= minute && minute < r.second; })) {
      return false;
    }
  }
  // abseil's week starts on monday.
  const int weekday = (static_cast<int>(absl::GetWeekday(local)) + 1) % 7;
  return InAny(weekdays, weekday) && DayMatches(days_of_month, local.day(), DaysInMonth(local)) &&
         InAny(months, local.month()) && InAny(years, static_cast<int>(local.year()));
}

bool TimeInterval::Contains(Timestamp t) const {
  return std::any_of(blocks.begin(), blocks.end(),
                     [t](const TimeBlock& block) { return block.Contains(t); });
}

Result<TimeInterval> ParseTimeInterval(const YamlNode& node) {
  StrictMap map(node, "time interval");
  TimeInterval out;
  map.Read("name", &out.name);
  if (const YamlNode* blocks = map.Get("time_intervals")) {
    if (blocks->kind != YamlNode::Kind::kSequence) {
      return blocks->MakeError("time_intervals must be a list");
    }
    for (const YamlNode& block : blocks->items) {
      TOCSIN_ASSIGN(TimeBlock parsed, ParseBlock(block));
      out.blocks.push_back(std::move(parsed));
    }
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (out.name.empty()) return node.MakeError("missing name in time interval");
  return out;
}

}  // namespace tocsin::alerting
