#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "abs", .args = {kVector}},
    {.name = "ceil", .args = {kVector}},
    {.name = "floor", .args = {kVector}},
    {.name = "exp", .args = {kVector}},
    {.name = "sqrt", .args = {kVector}},
    {.name = "ln", .args = {kVector}},
    {.name = "log2", .args = {kVector}},
    {.name = "log10", .args = {kVector}},
    {.name = "sgn", .args = {kVector}},
    {.name = "sin", .args = {kVector}},
    {.name = "cos", .args = {kVector}},
    {.name = "tan", .args = {kVector}},
    {.name = "asin", .args = {kVector}},
    {.name = "acos", .args = {kVector}},
    {.name = "atan", .args = {kVector}},
    {.name = "sinh", .args = {kVector}},
    {.name = "cosh", .args = {kVector}},
    {.name = "tanh", .args = {kVector}},
    {.name = "asinh", .args = {kVector}},
    {.name = "acosh", .args = {kVector}},
    {.name = "atanh", .args = {kVector}},
    {.name = "deg", .args = {kVector}},
    {.name = "rad", .args = {kVector}},
    {.name = "round", .args = {kVector, kScalar}, .variadic = 1},
    {.name = "clamp", .args = {kVector, kScalar, kScalar}},
    {.name = "clamp_min", .args = {kVector, kScalar}},
    {.name = "clamp_max", .args = {kVector, kScalar}},
};

}  // namespace

std::span<const FunctionSpec> MathFunctions() { return kTable; }

}  // namespace tocsin::query
