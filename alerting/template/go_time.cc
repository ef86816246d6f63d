#include "alerting/template/go_time.h"

#include <fmt/format.h>

#include "alerting/template/go_civil.h"

namespace tocsin::alerting {

absl::TimeZone ZoneOf(const TemplateTime& time) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (!time.zone.empty()) absl::LoadTimeZone(time.zone, &zone);
  return zone;
}

absl::Time ToAbsl(const TemplateTime& time) {
  return time.zero ? absl::FromUnixSeconds(kZeroTimeSeconds) : absl::FromUnixMillis(time.t.ms);
}

Civil CivilOf(const TemplateTime& time) {
  Civil civil;
  civil.info = ZoneOf(time).At(ToAbsl(time));
  const auto day = absl::CivilDay(civil.info.cs);
  civil.weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;
  civil.nanos = absl::ToInt64Nanoseconds(civil.info.subsecond);
  return civil;
}

std::string PrintGoTime(const TemplateTime& time) {
  return FormatGoTime(time, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string FormatGoDuration(std::chrono::nanoseconds d) {
  if (d.count() == 0) return "0s";
  std::string out = d.count() < 0 ? "-" : "";
  const uint64_t ns =
      d.count() < 0 ? ~static_cast<uint64_t>(d.count()) + 1 : static_cast<uint64_t>(d.count());
  const auto with_fraction = [](uint64_t v, uint64_t unit, int digits) {
    std::string text = fmt::format("{}.{:0{}}", v / unit, v % unit, digits);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
  };
  if (ns < 1000) return out + fmt::format("{}ns", ns);
  if (ns < 1'000'000) return out + with_fraction(ns, 1000, 3) + "µs";
  if (ns < 1'000'000'000) return out + with_fraction(ns, 1'000'000, 6) + "ms";
  const uint64_t seconds = ns / 1'000'000'000;
  if (seconds >= 3600) out += fmt::format("{}h", seconds / 3600);
  if (seconds >= 60) out += fmt::format("{}m", seconds / 60 % 60);
  return out + with_fraction(ns % 60'000'000'000, 1'000'000'000, 9) + "s";
}

Result<TemplateTime> InZone(const TemplateTime& time, std::string_view zone) {
  TemplateTime out = time;
  if (zone.empty() || zone == "UTC") {
    out.zone.clear();
    return out;
  }
  absl::TimeZone found;
  // absl also takes paths and a form of its own; zone names never start so.
  if (zone == "Local") zone = "localtime";
  if (zone.find("..") != std::string_view::npos || zone[0] == '/' || zone[0] == ':' ||
      !absl::LoadTimeZone(std::string(zone), &found)) {
    return NotFound(fmt::format("unknown time zone {}", zone));
  }
  out.zone = zone;
  return out;
}

}  // namespace tocsin::alerting
