// Aggregations that look at the members of each group: topk, quantile, count_values, limitk, ...
#pragma once

#include "query/evaluator.h"
#include "query/parser/ast.h"

namespace tocsin::query {

// topk bottomk limitk limit_ratio: some of the input, unchanged.
Result<RowStreamPtr> SelectMembers(Evaluator& evaluator, const AggregateExpr& expr,
                                   const StepGrid& grid);
Result<RowStreamPtr> AggregateQuantile(Evaluator& evaluator, const AggregateExpr& expr,
                                       const StepGrid& grid);
Result<RowStreamPtr> CountValues(Evaluator& evaluator, const AggregateExpr& expr,
                                 const StepGrid& grid);

}  // namespace tocsin::query
