#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "scalar", .args = {kVector}, .returns = kScalar},
    {.name = "vector", .args = {kScalar}},
    {.name = "pi", .returns = kScalar},
    {.name = "max_of", .args = {kScalar, kScalar}, .returns = kScalar, .experimental = true},
    {.name = "min_of", .args = {kScalar, kScalar}, .returns = kScalar, .experimental = true},
};

}  // namespace

std::span<const FunctionSpec> ScalarFunctions() { return kTable; }

}  // namespace tocsin::query
