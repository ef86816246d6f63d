// Time values as dates and clocks, for the files that implement go_time.h.
#pragma once

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "alerting/template/value.h"

namespace tocsin::alerting {

inline constexpr int64_t kZeroTimeSeconds = -62135596800;  // year 1, Go's zero time

inline constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
inline constexpr std::array<std::string_view, 7> kDays = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

absl::Time ToAbsl(const TemplateTime& time);
absl::TimeZone ZoneOf(const TemplateTime& time);

// A time in its zone.
struct Civil {
  absl::TimeZone::CivilInfo info;
  int weekday = 0;  // 0: Sunday
  int64_t nanos = 0;
};
Civil CivilOf(const TemplateTime& time);

}  // namespace tocsin::alerting
