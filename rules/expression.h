// The expression of a rule as a query.
#pragma once

#include <string_view>

#include "query/engine.h"
#include "storage/base/result.h"

namespace tocsin::rules {

// A vector as it is; a scalar as one element without labels. kExecution "rule result is not a
// vector or scalar" for the rest.
Result<query::Vector> EvaluateExpression(const query::Engine& engine, std::string_view expression,
                                         Timestamp at, const query::QueryOrigin& origin = {});

}  // namespace tocsin::rules
