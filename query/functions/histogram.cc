#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "histogram_count", .args = {kVector}},
    {.name = "histogram_sum", .args = {kVector}},
    {.name = "histogram_avg", .args = {kVector}},
    {.name = "histogram_stddev", .args = {kVector}},
    {.name = "histogram_stdvar", .args = {kVector}},
    {.name = "histogram_quantile", .args = {kScalar, kVector}},
    {.name = "histogram_quantiles",
     .args = {kVector, kString, kScalar, kScalar},
     .variadic = 9,
     .experimental = true},
    {.name = "histogram_fraction", .args = {kScalar, kScalar, kVector}},
};

}  // namespace

std::span<const FunctionSpec> HistogramFunctions() { return kTable; }

}  // namespace tocsin::query
