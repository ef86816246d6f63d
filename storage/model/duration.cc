#include "storage/model/duration.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "storage/base/number.h"
#include "storage/model/matcher.h"

namespace tocsin {
namespace {

struct Unit {
  std::string_view name;
  int64_t scale;
};

constexpr int64_t kSecond = 1000;
constexpr int64_t kDay = 24 * 3600 * kSecond;

// Largest first: the order in which a duration must name them.
constexpr std::array<Unit, 7> kUnits = {{{"y", 365 * kDay},
                                         {"w", 7 * kDay},
                                         {"d", kDay},
                                         {"h", 3600 * kSecond},
                                         {"m", 60 * kSecond},
                                         {"s", kSecond},
                                         {"ms", 1}}};

// time.Duration holds nanoseconds in 63 bits: what it cannot hold is refused as there.
constexpr uint64_t kMaxMillis = std::numeric_limits<int64_t>::max() / 1'000'000;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t CountDigits(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) ++n;
  return n;
}

std::string_view TakeUnit(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && !IsDigit(text[n]) && text[n] != '.') ++n;
  return text.substr(0, n);
}

// Days since 1970-01-01 of a proleptic Gregorian date, and back.
int64_t DaysFromCivil(int year, int month, int day) {
  return std::chrono::sys_days(std::chrono::year(year) /
                               std::chrono::month(static_cast<unsigned>(month)) /
                               std::chrono::day(static_cast<unsigned>(day)))
      .time_since_epoch()
      .count();
}

struct Civil {
  int64_t year;
  unsigned month, day;
};

// std::chrono's year has 16 bits and timestamps reach further (Howard Hinnant's algorithm).
Civil CivilFromDays(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t doe = days - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  return {yoe + era * 400 + (month <= 2 ? 1 : 0), static_cast<unsigned>(month),
          static_cast<unsigned>(doy - (153 * mp + 2) / 5 + 1)};
}

// Reads exactly `n` digits at `*pos`; -1 when they are not there.
int TakeNumber(std::string_view text, size_t* pos, size_t n) {
  if (*pos + n > text.size()) return -1;
  int value = 0;
  for (size_t end = *pos + n; *pos < end; ++*pos) {
    if (!IsDigit(text[*pos])) return -1;
    value = value * 10 + (text[*pos] - '0');
  }
  return value;
}

bool TakeChar(std::string_view text, size_t* pos, char c) {
  if (*pos >= text.size() || text[*pos] != c) return false;
  ++*pos;
  return true;
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty()) return InvalidArgument("empty duration string");
  const auto invalid = [&] {
    return InvalidArgument("not a valid duration string: " + Quoted(text));
  };
  uint64_t total = 0;
  size_t next_unit = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t digits = CountDigits(rest);
    if (digits == 0 || digits > 19) return invalid();
    const auto value = ParseUint(rest.substr(0, digits));
    if (!value) return invalid();
    rest.remove_prefix(digits);
    size_t length = 0;
    while (length < rest.size() && !IsDigit(rest[length])) ++length;
    const std::string_view name = rest.substr(0, length);
    if (name.empty()) return invalid();
    rest.remove_prefix(name.size());
    size_t unit = 0;
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size())
      return InvalidArgument(
          fmt::format("unknown unit {} in duration {}", Quoted(name), Quoted(text)));
    if (unit < next_unit) return invalid();
    next_unit = unit + 1;
    const auto scale = static_cast<uint64_t>(kUnits[unit].scale);
    if (*value > kMaxMillis / scale) return InvalidArgument("duration out of range");
    total += *value * scale;
    if (total > kMaxMillis) return InvalidArgument("duration out of range");
  }
  return Duration{static_cast<int64_t>(total)};
}

std::string FormatDuration(Duration d) {
  if (d.count() == 0) return "0s";
  std::string out;
  uint64_t ms = static_cast<uint64_t>(d.count());
  if (d.count() < 0) {
    out += '-';
    ms = 0 - ms;
  }
  for (const Unit& unit : kUnits) {
    const auto scale = static_cast<uint64_t>(unit.scale);
    // Years and weeks only when they say it all: "1y1d" would surprise.
    if (unit.scale > kDay && ms % scale != 0) continue;
    if (const uint64_t n = ms / scale; n > 0) {
      fmt::format_to(std::back_inserter(out), "{}{}", n, unit.name);
      ms -= n * scale;
    }
  }
  return out;
}

Result<std::chrono::nanoseconds> ParseGoDuration(std::string_view text) {
  static constexpr std::array<Unit, 8> kGoUnits = {{{"ns", 1},
                                                    {"us", 1'000},
                                                    {"\u00b5s", 1'000},
                                                    {"\u03bcs", 1'000},
                                                    {"ms", 1'000'000},
                                                    {"s", 1'000'000'000},
                                                    {"m", 60'000'000'000},
                                                    {"h", 3'600'000'000'000}}};
  const auto invalid = [&](std::string_view what) {
    return InvalidArgument(fmt::format("time: {} {}", what, Quoted(text)));
  };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds{0};
  if (rest.empty()) return invalid("invalid duration");
  long double total = 0;
  while (!rest.empty()) {
    const size_t whole = CountDigits(rest);
    size_t length = whole, decimals = 0;
    if (length < rest.size() && rest[length] == '.') {
      decimals = CountDigits(rest.substr(length + 1));
      length += 1 + decimals;
    }
    if (whole + decimals == 0) return invalid("invalid duration");
    long double value = 0, place = 1;
    for (const char c : rest.substr(0, whole)) value = value * 10 + (c - '0');
    for (const char c : rest.substr(length - decimals, decimals))
      value += (c - '0') * (place /= 10);
    rest.remove_prefix(length);
    const std::string_view name = TakeUnit(rest);
    if (name.empty()) return invalid("missing unit in duration");
    rest.remove_prefix(name.size());
    const Unit* unit = nullptr;
    for (const Unit& candidate : kGoUnits)
      if (candidate.name == name) unit = &candidate;
    if (unit == nullptr) return invalid(fmt::format("unknown unit {} in duration", Quoted(name)));
    total += value * static_cast<long double>(unit->scale);
    if (total >= 9223372036854775807.0L) return invalid("invalid duration");
  }
  const auto ns = static_cast<int64_t>(total + 0.5L);
  return std::chrono::nanoseconds{negative ? -ns : ns};
}

std::string FormatRfc3339(Timestamp t, int digits) {
  int64_t seconds = t.ms / 1000;
  int64_t ms = t.ms % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  int64_t days = seconds / 86400;
  int64_t second_of_day = seconds % 86400;
  if (second_of_day < 0) {
    second_of_day += 86400;
    --days;
  }
  const Civil date = CivilFromDays(days);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month, date.day,
                  second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
  std::string fraction = fmt::format("{:03}", ms);
  if (digits < 0) {
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  } else {
    fraction.resize(static_cast<size_t>(digits), '0');
  }
  if (!fraction.empty()) out += '.' + fraction;
  return out + 'Z';
}

Result<Timestamp> ParseRfc3339(std::string_view text) {
  const auto invalid = [&] { return InvalidArgument("not an RFC 3339 time: " + Quoted(text)); };
  size_t pos = 0;
  const int year = TakeNumber(text, &pos, 4);
  if (year < 0 || !TakeChar(text, &pos, '-')) return invalid();
  const int month = TakeNumber(text, &pos, 2);
  if (month < 1 || month > 12 || !TakeChar(text, &pos, '-')) return invalid();
  const int day = TakeNumber(text, &pos, 2);
  if (!std::chrono::year_month_day(std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(day < 0 ? 0 : static_cast<unsigned>(day)))
           .ok())
    return invalid();
  if (!TakeChar(text, &pos, 'T')) return invalid();
  const int hour = TakeNumber(text, &pos, 2);
  if (hour < 0 || hour > 23 || !TakeChar(text, &pos, ':')) return invalid();
  const int minute = TakeNumber(text, &pos, 2);
  if (minute < 0 || minute > 59 || !TakeChar(text, &pos, ':')) return invalid();
  const int second = TakeNumber(text, &pos, 2);
  if (second < 0 || second > 59) return invalid();
  int64_t ms = 0;
  if (TakeChar(text, &pos, '.')) {
    const size_t digits = CountDigits(text.substr(pos));
    if (digits == 0) return invalid();
    for (size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < digits ? text[pos + i] - '0' : 0);
    pos += digits;
  }
  int64_t offset_minutes = 0;
  if (!TakeChar(text, &pos, 'Z')) {
    const bool west = pos < text.size() && text[pos] == '-';
    if (!west && (pos >= text.size() || text[pos] != '+')) return invalid();
    ++pos;
    const int hours = TakeNumber(text, &pos, 2);
    if (hours < 0 || hours > 23 || !TakeChar(text, &pos, ':')) return invalid();
    const int minutes = TakeNumber(text, &pos, 2);
    if (minutes < 0 || minutes > 59) return invalid();
    offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
  }
  if (pos != text.size()) return invalid();
  const int64_t minutes =
      (DaysFromCivil(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
  return Timestamp{(minutes * 60 + second) * 1000 + ms};
}

Result<uint64_t> ParseByteSize(std::string_view text) {
  static constexpr std::string_view kPrefixes = "KMGTPE";
  const auto invalid = [&] {
    return InvalidArgument(
        fmt::format("not a valid byte size: {} (want a number with B, KB, MB, GB, TB, PB or EB)",
                    Quoted(text)));
  };
  double sum = 0;
  std::string_view rest = text;
  do {
    size_t length = 0;
    while (length < rest.size() && (IsDigit(rest[length]) || rest[length] == '.')) ++length;
    const auto value = ParseFloat(rest.substr(0, length));
    if (!value) return invalid();
    rest.remove_prefix(length);
    double scale = 1;
    if (!rest.empty() && rest[0] != 'B') {
      const size_t prefix = kPrefixes.find(rest[0]);
      if (prefix == std::string_view::npos) return invalid();
      scale = static_cast<double>(uint64_t{1} << (10 * (prefix + 1)));
      rest.remove_prefix(rest.substr(1).starts_with("i") ? 2 : 1);
      if (!rest.starts_with("B")) return invalid();
    }
    if (!rest.empty()) rest.remove_prefix(1);
    sum += *value * scale;
  } while (!rest.empty());
  // 2^63: sizes travel as signed numbers elsewhere.
  if (sum >= 0x1p63) return InvalidArgument("byte size out of range: " + Quoted(text));
  return static_cast<uint64_t>(sum);
}

}  // namespace tocsin
