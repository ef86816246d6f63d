// Go's time.Time and time.Duration as far as templates use them: layouts, printing, methods.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/template/value.h"
#include "storage/base/result.h"

namespace tocsin::alerting {

// Time.Format: "2006-01-02 15:04:05 MST" and every other element of Go's layouts.
std::string FormatGoTime(const TemplateTime& time, std::string_view layout);
// time.ParseInLocation with UTC. kInvalidArgument when `text` does not fit `layout`.
Result<TemplateTime> ParseGoTime(std::string_view layout, std::string_view text);
// Time.String: "2026-01-02 03:04:05 +0000 UTC".
std::string PrintGoTime(const TemplateTime& time);
// Duration.String: "1h2m3.5s", "1.5ms", "0s".
std::string FormatGoDuration(std::chrono::nanoseconds d);

// The same instant shown in another zone (an IANA name, "UTC", "Local" or "").
Result<TemplateTime> InZone(const TemplateTime& time, std::string_view zone);

// Methods by name; kNotFound when there is none of that name.
Result<TemplateValue> CallTimeMethod(const TemplateTime& time, std::string_view name,
                                     const std::vector<TemplateValue>& args);
Result<TemplateValue> CallDurationMethod(std::chrono::nanoseconds d, std::string_view name,
                                         const std::vector<TemplateValue>& args);

}  // namespace tocsin::alerting
