#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

constexpr FunctionSpec kTable[] = {
    {.name = "absent", .args = {kVector}},
    {.name = "absent_over_time", .args = {kMatrix}},
};

}  // namespace

std::span<const FunctionSpec> AbsentFunctions() { return kTable; }

}  // namespace tocsin::query
