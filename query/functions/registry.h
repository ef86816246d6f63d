// All functions of the language. Constant data: any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "query/functions/spec.h"

namespace tocsin::query {

// Null when there is no such function. Names are case-sensitive.
const FunctionSpec* FindFunction(std::string_view name);

// Sorted by name.
std::vector<const FunctionSpec*> AllFunctions();

// One table per family; the registry is their concatenation.
std::span<const FunctionSpec> MathFunctions();
std::span<const FunctionSpec> TimeFunctions();
std::span<const FunctionSpec> RateFunctions();
std::span<const FunctionSpec> OverTimeFunctions();
std::span<const FunctionSpec> LabelFunctions();
std::span<const FunctionSpec> HistogramFunctions();
std::span<const FunctionSpec> SortFunctions();
std::span<const FunctionSpec> AbsentFunctions();
std::span<const FunctionSpec> ScalarFunctions();

}  // namespace tocsin::query
