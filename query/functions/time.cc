// Times: of the evaluation, of samples, and the calendar (UTC).
#include <chrono>
#include <cmath>

#include "query/evaluator.h"
#include "query/functions/map_stream.h"
#include "query/functions/registry.h"
#include "query/selector.h"

namespace tocsin::query {
namespace {

using enum ValueType;
using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

// Beyond this std::chrono's years end; no sample of a monitor is there.
constexpr double kCalendarLimit = 9e11;

sys_days DayOf(sys_seconds t) { return std::chrono::floor<days>(t); }
year_month_day DateOf(sys_seconds t) { return year_month_day(DayOf(t)); }

double DayOfMonth(sys_seconds t) { return static_cast<unsigned>(DateOf(t).day()); }
double DayOfWeek(sys_seconds t) { return std::chrono::weekday(DayOf(t)).c_encoding(); }
double DayOfYear(sys_seconds t) {
  const auto first = sys_days(DateOf(t).year() / std::chrono::January / 1);
  return static_cast<double>((DayOf(t) - first).count() + 1);
}
double DaysInMonth(sys_seconds t) {
  const year_month_day date = DateOf(t);
  return static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
}
double Hour(sys_seconds t) {
  return static_cast<double>(std::chrono::floor<std::chrono::hours>(t - DayOf(t)).count());
}
double Minute(sys_seconds t) {
  return static_cast<double>((t - std::chrono::floor<std::chrono::hours>(t)).count() / 60);
}
double Month(sys_seconds t) { return static_cast<unsigned>(DateOf(t).month()); }
double Year(sys_seconds t) { return static_cast<int>(DateOf(t).year()); }

template <double (*kPart)(sys_seconds)>
double PartOf(double t) {
  if (!(std::fabs(t) < kCalendarLimit)) return NormalNaN();
  return kPart(sys_seconds(seconds(static_cast<int64_t>(t))));
}

// Of the argument, or of the evaluation time when there is none.
template <double (*kPart)(sys_seconds)>
Result<RowStreamPtr> CalendarPart(FunctionCall& call) {
  if (call.size() > 0) {
    return MapFloats(call, 0, [](double x, size_t) { return PartOf<kPart>(x); });
  }
  Row row;
  row.v.resize(call.grid().count);
  for (size_t i = 0; i < row.v.size(); ++i) {
    row.v[i] = PartOf<kPart>(static_cast<double>(call.grid().at(i)) / 1000);
  }
  Rows rows;
  rows.push_back(std::move(row));
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(rows), true));
}

// A bare selector gives the time of the sample itself.
Result<RowStreamPtr> TimestampOf(FunctionCall& call) {
  QueryContext& context = call.context();
  const Expr& arg = Unwrap(call.arg(0));
  if (arg.kind == ExprKind::kVectorSelector && !As<VectorSelector>(arg).smoothed) {
    TOCSIN_ASSIGN(auto input, SelectInstant(context, As<VectorSelector>(arg), call.grid(),
                                            {SelectorOutput::kSampleTime, "timestamp"}));
    return ChangeRows(context, std::move(input), [](Row&) {});
  }
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  return ChangeRows(context, std::move(input), [grid = call.grid()](Row& row) {
    for (size_t i = 0; i < row.v.size(); ++i) {
      if (row.Has(i)) row.v[i] = static_cast<double>(grid.at(i)) / 1000;
    }
    row.h.clear();
  });
}

// Without the feature nothing has a start timestamp, and no result of an expression ever has.
Result<RowStreamPtr> StartTimestampOf(FunctionCall& call) {
  if (!call.context().features.use_start_timestamps) {
    return RowStreamPtr(std::make_unique<RowsStream>(Rows(), true));
  }
  const Expr& arg = Unwrap(call.arg(0));
  if (arg.kind != ExprKind::kVectorSelector || As<VectorSelector>(arg).smoothed)
    return RowStreamPtr(std::make_unique<RowsStream>(Rows(), true));
  QueryContext& context = call.context();
  TOCSIN_ASSIGN(auto input, SelectInstant(context, As<VectorSelector>(arg), call.grid(),
                                          {SelectorOutput::kStartTime, "start_timestamp"}));
  return ChangeRows(context, std::move(input), [](Row&) {});
}

Result<std::vector<double>> Time(FunctionCall& call) {
  std::vector<double> times(call.grid().count);
  for (size_t i = 0; i < times.size(); ++i) {
    times[i] = static_cast<double>(call.grid().at(i)) / 1000;
  }
  return times;
}

Result<std::vector<double>> Constant(FunctionCall& call, int64_t ms) {
  return std::vector<double>(call.grid().count, static_cast<double>(ms) / 1000);
}
Result<std::vector<double>> Start(FunctionCall& call) {
  return Constant(call, call.context().start_ms);
}
Result<std::vector<double>> End(FunctionCall& call) {
  return Constant(call, call.context().end_ms);
}
Result<std::vector<double>> RangeOf(FunctionCall& call) {
  return Constant(call, call.context().end_ms - call.context().start_ms);
}
Result<std::vector<double>> Step(FunctionCall& call) {
  return Constant(call, call.context().step_ms);
}

constexpr FunctionSpec Calendar(std::string_view name, VectorFunction f) {
  return {.name = name, .args = {kVector}, .variadic = 1, .step_dependent = true, .vector = f};
}
constexpr FunctionSpec OfQuery(std::string_view name, ScalarFunction f) {
  return {
      .name = name, .returns = kScalar, .experimental = true, .step_dependent = true, .scalar = f};
}

constexpr FunctionSpec kTable[] = {
    Calendar("day_of_month", &CalendarPart<&DayOfMonth>),
    Calendar("day_of_week", &CalendarPart<&DayOfWeek>),
    Calendar("day_of_year", &CalendarPart<&DayOfYear>),
    Calendar("days_in_month", &CalendarPart<&DaysInMonth>),
    Calendar("hour", &CalendarPart<&Hour>),
    Calendar("minute", &CalendarPart<&Minute>),
    Calendar("month", &CalendarPart<&Month>),
    Calendar("year", &CalendarPart<&Year>),
    {.name = "timestamp", .args = {kVector}, .step_dependent = true, .vector = &TimestampOf},
    {.name = "start_timestamp",
     .args = {kVector},
     .experimental = true,
     .step_dependent = true,
     .vector = &StartTimestampOf},
    {.name = "time", .returns = kScalar, .step_dependent = true, .scalar = &Time},
    OfQuery("start", &Start),
    OfQuery("end", &End),
    OfQuery("range", &RangeOf),
    OfQuery("step", &Step),
};

}  // namespace

std::span<const FunctionSpec> TimeFunctions() { return kTable; }

}  // namespace tocsin::query
