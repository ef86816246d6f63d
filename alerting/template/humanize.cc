#include "alerting/template/humanize.h"

#include <fmt/format.h>

#include <cmath>

#include "alerting/template/format.h"
#include "alerting/template/go_time.h"
#include "storage/base/number.h"
#include "storage/model/matcher.h"

namespace tocsin::alerting {
namespace {

// %.4g.
std::string FourDigits(double v) { return Sprintf("%.4g", {TemplateValue(v)}); }

constexpr const char* kSmallPrefixes[] = {"m", "u", "n", "p", "f", "a", "z", "y"};

std::string WithSmallPrefix(double v, std::string_view unit) {
  const char* prefix = "";
  for (const char* next : kSmallPrefixes) {
    if (std::fabs(v) >= 1) break;
    prefix = next;
    v *= 1000;
  }
  return FourDigits(v) + prefix + std::string(unit);
}

}  // namespace

Result<double> ToNumber(const TemplateValue& raw) {
  const TemplateValue value = raw.Resolve();
  if (const auto* v = value.As<double>()) return *v;
  if (const auto* v = value.As<int64_t>()) return static_cast<double>(*v);
  if (const auto* v = value.As<std::chrono::nanoseconds>()) return ToSeconds(*v);
  if (const std::string* text = value.AsText()) {
    if (const auto v = ParseFloat(*text)) return *v;
    std::string quoted;
    AppendGoQuoted(quoted, *text);
    return Error(ErrorCode::kExecution,
                 fmt::format("strconv.ParseFloat: parsing {}: invalid syntax", quoted));
  }
  return Error(ErrorCode::kExecution, fmt::format("can't convert {} to float", raw.TypeName()));
}

// By way of nanoseconds, which decides the last millisecond as in Prometheus.
Timestamp UnixTime(double seconds) {
  return {static_cast<int64_t>(seconds * 1e9) / 1'000'000};
}

std::string Humanize(double v) {
  if (v == 0 || !std::isfinite(v)) return FourDigits(v);
  if (std::fabs(v) < 1) return WithSmallPrefix(v, "");
  const char* prefix = "";
  for (const char* next : {"k", "M", "G", "T", "P", "E", "Z", "Y"}) {
    if (std::fabs(v) < 1000) break;
    prefix = next;
    v /= 1000;
  }
  return FourDigits(v) + prefix;
}

std::string Humanize1024(double v) {
  if (std::fabs(v) <= 1 || !std::isfinite(v)) return FourDigits(v);
  const char* prefix = "";
  for (const char* next : {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"}) {
    if (std::fabs(v) < 1024) break;
    prefix = next;
    v /= 1024;
  }
  return FourDigits(v) + prefix;
}

std::string HumanizeDuration(double v) {
  if (!std::isfinite(v)) return FourDigits(v);
  if (v == 0) return FourDigits(v) + "s";
  if (std::fabs(v) < 1) return WithSmallPrefix(v, "s");
  const char* sign = v < 0 ? "-" : "";
  v = std::fabs(v);
  constexpr double kMaxSeconds = 9.2e18;
  const auto seconds = static_cast<int64_t>(std::min(v, kMaxSeconds));
  const int64_t days = seconds / 86400, hours = seconds / 3600 % 24, minutes = seconds / 60 % 60;
  if (days != 0) return fmt::format("{}{}d {}h {}m {}s", sign, days, hours, minutes, seconds % 60);
  if (hours != 0) return fmt::format("{}{}h {}m {}s", sign, hours, minutes, seconds % 60);
  if (minutes != 0) return fmt::format("{}{}m {}s", sign, minutes, seconds % 60);
  return sign + FourDigits(v) + "s";
}

std::string HumanizePercentage(double v) { return FourDigits(v * 100) + "%"; }

Result<std::string> HumanizeTimestamp(double v) {
  if (!std::isfinite(v)) return FourDigits(v);
  if (std::fabs(v) * 1e9 > 9.223372036854775807e18) {
    return Error(ErrorCode::kExecution,
                 fmt::format("{} cannot be represented as a nanoseconds timestamp since it "
                             "overflows int64",
                             FormatGoFloat(v)));
  }
  return PrintGoTime(TemplateTime{UnixTime(v), false, ""});
}

}  // namespace tocsin::alerting
