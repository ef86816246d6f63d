// sum by (...) and its kin: rows folded into groups as they stream by.
#pragma once

#include "query/evaluator.h"
#include "query/parser/ast.h"

namespace tocsin::query {

Result<RowStreamPtr> EvaluateAggregation(Evaluator& evaluator, const AggregateExpr& expr,
                                         const StepGrid& grid);

}  // namespace tocsin::query
