#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "rate", .args = {kMatrix}},
    {.name = "increase", .args = {kMatrix}},
    {.name = "delta", .args = {kMatrix}},
    {.name = "irate", .args = {kMatrix}},
    {.name = "idelta", .args = {kMatrix}},
    {.name = "deriv", .args = {kMatrix}},
    {.name = "predict_linear", .args = {kMatrix, kScalar}, .step_dependent = true},
    {.name = "double_exponential_smoothing",
     .args = {kMatrix, kScalar, kScalar},
     .experimental = true},
    {.name = "changes", .args = {kMatrix}},
    {.name = "resets", .args = {kMatrix}},
};

}  // namespace

std::span<const FunctionSpec> RateFunctions() { return kTable; }

}  // namespace tocsin::query
