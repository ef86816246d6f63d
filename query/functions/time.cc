#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "day_of_month", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "day_of_week", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "day_of_year", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "days_in_month", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "hour", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "minute", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "month", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "year", .args = {kVector}, .variadic = 1, .step_dependent = true},
    {.name = "timestamp", .args = {kVector}, .step_dependent = true},
    {.name = "start_timestamp", .args = {kVector}, .experimental = true, .step_dependent = true},
    {.name = "time", .returns = kScalar, .step_dependent = true},
    {.name = "start", .returns = kScalar, .experimental = true, .step_dependent = true},
    {.name = "end", .returns = kScalar, .experimental = true, .step_dependent = true},
    {.name = "range", .returns = kScalar, .experimental = true, .step_dependent = true},
    {.name = "step", .returns = kScalar, .experimental = true, .step_dependent = true},
};

}  // namespace

std::span<const FunctionSpec> TimeFunctions() { return kTable; }

}  // namespace tocsin::query
