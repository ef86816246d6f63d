// Rows to the value of a query: names removed, duplicates found, ordered as the API shows it.
#pragma once

#include "query/evaluator.h"
#include "query/value.h"

namespace tocsin::query {

// Of the root of a query. REQUIRES: `root` has a type the kind of query allows.
Result<Value> BuildInstant(Evaluator& evaluator, const Expr& root, const StepGrid& grid);
Result<Value> BuildRange(Evaluator& evaluator, const Expr& root, const StepGrid& grid);

}  // namespace tocsin::query
