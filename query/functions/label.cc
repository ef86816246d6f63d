#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "label_replace", .args = {kVector, kString, kString, kString, kString}},
    {.name = "label_join",
     .args = {kVector, kString, kString, kString},
     .variadic = FunctionSpec::kUnbounded},
    {.name = "info", .args = {kVector, kVector}, .variadic = 1, .experimental = true},
};

}  // namespace

std::span<const FunctionSpec> LabelFunctions() { return kTable; }

}  // namespace tocsin::query
