// Methods of Go's time.Time and time.Duration, by name.
#include <fmt/format.h>

#include "alerting/template/go_civil.h"
#include "alerting/template/go_time.h"

namespace tocsin::alerting {
namespace {

// Go's Month and Weekday: numbers that print as names.
class NamedNumber final : public TemplateObject {
 public:
  NamedNumber(int64_t value, std::string_view name, std::string_view type)
      : value_(value), name_(name), type_(type) {}
  Result<TemplateValue> Call(std::string_view method,
                             const std::vector<TemplateValue>& args) const override {
    if (method == "String" && args.empty()) return TemplateValue(name_);
    return NotFound("no method of that name");
  }
  TemplateValue Underlying() const override { return TemplateValue(value_); }
  std::optional<std::string> Print() const override { return std::string(name_); }
  std::string_view TypeName() const override { return type_; }

 private:
  int64_t value_;
  std::string_view name_, type_;
};

Status CheckArgs(std::string_view name, const std::vector<TemplateValue>& args, size_t want) {
  if (args.size() == want) return OkStatus();
  return InvalidArgument(
      fmt::format("wrong number of args for {}: want {} got {}", name, want, args.size()));
}

Error WrongType(const TemplateValue& got, std::string_view want) {
  return InvalidArgument(
      fmt::format("wrong type for value; expected {}; got {}", want, got.TypeName()));
}

TemplateTime Shift(TemplateTime time, std::chrono::nanoseconds by) {
  const int64_t base = time.zero ? kZeroTimeSeconds * 1000 : time.t.ms;
  time.t.ms = base + std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
  time.zero = time.t.ms == kZeroTimeSeconds * 1000;
  return time;
}

// Years, months and days further on the calendar; the 32nd is the first of the next month.
Result<TemplateValue> AddDate(const TemplateTime& time, const std::vector<TemplateValue>& args) {
  constexpr int64_t kFar = 1'000'000;
  TOCSIN_RETURN_IF_ERROR(CheckArgs("AddDate", args, 3));
  int64_t by[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    const auto* n = args[i].As<int64_t>();
    if (n == nullptr) return WrongType(args[i], "int");
    if (*n > kFar || *n < -kFar) return InvalidArgument("AddDate: too far");
    by[i] = *n;
  }
  const Civil civil = CivilOf(time);
  const auto& cs = civil.info.cs;
  const absl::CivilSecond moved(cs.year() + by[0], cs.month() + by[1], cs.day() + by[2], cs.hour(),
                                cs.minute(), cs.second());
  const absl::Time t = ZoneOf(time).At(moved).pre + civil.info.subsecond;
  return TemplateValue(TemplateTime{{absl::ToUnixMillis(t)}, false, time.zone});
}

// Methods with one argument of type time or duration.
Result<TemplateValue> CallTimeOperation(const TemplateTime& time, std::string_view name,
                                        const TemplateValue& arg) {
  if (name == "Add" || name == "Truncate" || name == "Round") {
    const auto* by = arg.As<std::chrono::nanoseconds>();
    if (by == nullptr) return WrongType(arg, "time.Duration");
    if (name == "Add") return TemplateValue(Shift(time, *by));
    const int64_t unit = by->count();
    if (unit <= 0) return TemplateValue(time);
    // Go counts from the zero time.
    const absl::Duration since = ToAbsl(time) - absl::FromUnixSeconds(kZeroTimeSeconds);
    absl::Duration whole = absl::Floor(since, absl::Nanoseconds(unit));
    if (name == "Round" && (since - whole) * 2 >= absl::Nanoseconds(unit)) {
      whole += absl::Nanoseconds(unit);
    }
    return TemplateValue(TemplateTime{
        {absl::ToUnixMillis(absl::FromUnixSeconds(kZeroTimeSeconds) + whole)}, false, time.zone});
  }
  const auto* other = arg.As<TemplateTime>();
  if (other == nullptr) return WrongType(arg, "time.Time");
  const absl::Time a = ToAbsl(time), b = ToAbsl(*other);
  if (name == "Sub") return TemplateValue(absl::ToChronoNanoseconds(a - b));
  if (name == "Compare") return TemplateValue(int64_t{a > b} - int64_t{a < b});
  if (name == "Before") return TemplateValue(a < b);
  if (name == "After") return TemplateValue(a > b);
  return TemplateValue(a == b);
}

}  // namespace

Result<TemplateValue> CallTimeMethod(const TemplateTime& time, std::string_view name,
                                     const std::vector<TemplateValue>& args) {
  if (name == "Format") {
    TOCSIN_RETURN_IF_ERROR(CheckArgs(name, args, 1));
    const std::string* layout = args[0].AsText();
    if (layout == nullptr) return WrongType(args[0], "string");
    return TemplateValue(FormatGoTime(time, *layout));
  }
  for (std::string_view operation :
       {"Add", "Truncate", "Round", "Sub", "Compare", "Before", "After", "Equal"}) {
    if (name != operation) continue;
    TOCSIN_RETURN_IF_ERROR(CheckArgs(name, args, 1));
    return CallTimeOperation(time, name, args[0]);
  }
  if (name == "AddDate") return AddDate(time, args);
  const Civil civil = CivilOf(time);
  const auto& cs = civil.info.cs;
  const int64_t millis = absl::ToUnixMillis(ToAbsl(time));
  TemplateValue value;
  if (name == "Unix") {
    value = TemplateValue(absl::ToUnixSeconds(ToAbsl(time)));
  } else if (name == "UnixMilli") {
    value = TemplateValue(millis);
  } else if (name == "UnixMicro") {
    value = TemplateValue(millis * 1000);
  } else if (name == "UnixNano") {
    value = TemplateValue(absl::ToUnixNanos(ToAbsl(time)));
  } else if (name == "Year") {
    value = TemplateValue(static_cast<int64_t>(cs.year()));
  } else if (name == "Month") {
    value = TemplateValue(std::shared_ptr<const TemplateObject>(std::make_shared<NamedNumber>(
        cs.month(), kMonths[static_cast<size_t>(cs.month() - 1)], "time.Month")));
  } else if (name == "Weekday") {
    value = TemplateValue(std::shared_ptr<const TemplateObject>(std::make_shared<NamedNumber>(
        civil.weekday, kDays[static_cast<size_t>(civil.weekday)], "time.Weekday")));
  } else if (name == "Day") {
    value = TemplateValue(cs.day());
  } else if (name == "YearDay") {
    value = TemplateValue(absl::GetYearDay(absl::CivilDay(cs)));
  } else if (name == "Hour") {
    value = TemplateValue(cs.hour());
  } else if (name == "Minute") {
    value = TemplateValue(cs.minute());
  } else if (name == "Second") {
    value = TemplateValue(cs.second());
  } else if (name == "Nanosecond") {
    value = TemplateValue(civil.nanos);
  } else if (name == "UTC") {
    value = TemplateValue(TemplateTime{time.t, time.zero, ""});
  } else if (name == "Local") {
    auto local = InZone(time, "Local");
    value = TemplateValue(local.ok() ? *std::move(local) : time);
  } else if (name == "IsZero") {
    value = TemplateValue(time.zero);
  } else if (name == "String") {
    value = TemplateValue(PrintGoTime(time));
  } else {
    return NotFound("no method of that name");
  }
  TOCSIN_RETURN_IF_ERROR(CheckArgs(name, args, 0));
  return value;
}

Result<TemplateValue> CallDurationMethod(std::chrono::nanoseconds d, std::string_view name,
                                         const std::vector<TemplateValue>& args) {
  if (name == "Round" || name == "Truncate") {
    TOCSIN_RETURN_IF_ERROR(CheckArgs(name, args, 1));
    const auto* unit = args[0].As<std::chrono::nanoseconds>();
    if (unit == nullptr) return WrongType(args[0], "time.Duration");
    if (unit->count() <= 0) return TemplateValue(d);
    const auto rest = d % *unit;
    auto result = d - rest;
    if (name == "Round" && std::chrono::abs(rest) * 2 >= *unit) {
      result += d.count() < 0 ? -*unit : *unit;
    }
    return TemplateValue(result);
  }
  const double seconds = ToSeconds(d);
  TemplateValue value;
  if (name == "String") {
    value = TemplateValue(FormatGoDuration(d));
  } else if (name == "Hours") {
    value = TemplateValue(seconds / 3600);
  } else if (name == "Minutes") {
    value = TemplateValue(seconds / 60);
  } else if (name == "Seconds") {
    value = TemplateValue(seconds);
  } else if (name == "Milliseconds") {
    value = TemplateValue(d.count() / 1'000'000);
  } else if (name == "Microseconds") {
    value = TemplateValue(d.count() / 1000);
  } else if (name == "Nanoseconds") {
    value = TemplateValue(static_cast<int64_t>(d.count()));
  } else if (name == "Abs") {
    value = TemplateValue(std::chrono::abs(d));
  } else {
    return NotFound("no method of that name");
  }
  TOCSIN_RETURN_IF_ERROR(CheckArgs(name, args, 0));
  return value;
}

}  // namespace tocsin::alerting
