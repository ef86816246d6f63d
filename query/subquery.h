// expr[range:step]: an instant vector evaluated on a grid of its own, read as a range vector.
#pragma once

#include "query/evaluator.h"
#include "query/parser/ast.h"

namespace tocsin::query {

Result<RangeInput> EvaluateSubquery(Evaluator& evaluator, const SubqueryExpr& subquery,
                                    const StepGrid& grid);

}  // namespace tocsin::query
