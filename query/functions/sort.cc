#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "sort", .args = {kVector}},
    {.name = "sort_desc", .args = {kVector}},
    {.name = "sort_by_label",
     .args = {kVector, kString},
     .variadic = FunctionSpec::kUnbounded,
     .experimental = true},
    {.name = "sort_by_label_desc",
     .args = {kVector, kString},
     .variadic = FunctionSpec::kUnbounded,
     .experimental = true},
};

}  // namespace

std::span<const FunctionSpec> SortFunctions() { return kTable; }

}  // namespace tocsin::query
