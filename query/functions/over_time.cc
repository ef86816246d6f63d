#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "avg_over_time", .args = {kMatrix}},
    {.name = "sum_over_time", .args = {kMatrix}},
    {.name = "min_over_time", .args = {kMatrix}},
    {.name = "max_over_time", .args = {kMatrix}},
    {.name = "count_over_time", .args = {kMatrix}},
    {.name = "stddev_over_time", .args = {kMatrix}},
    {.name = "stdvar_over_time", .args = {kMatrix}},
    {.name = "present_over_time", .args = {kMatrix}},
    {.name = "last_over_time", .args = {kMatrix}, .keeps_name = true},
    {.name = "first_over_time", .args = {kMatrix}, .keeps_name = true},
    {.name = "quantile_over_time", .args = {kScalar, kMatrix}},
    {.name = "mad_over_time", .args = {kMatrix}, .experimental = true},
    {.name = "ts_of_min_over_time", .args = {kMatrix}, .experimental = true},
    {.name = "ts_of_max_over_time", .args = {kMatrix}, .experimental = true},
    {.name = "ts_of_first_over_time", .args = {kMatrix}, .experimental = true},
    {.name = "ts_of_last_over_time", .args = {kMatrix}, .experimental = true},
};

}  // namespace

std::span<const FunctionSpec> OverTimeFunctions() { return kTable; }

}  // namespace tocsin::query
