// Binary operators between two instant vectors: who meets whom.
#pragma once

#include "query/evaluator.h"
#include "query/parser/ast.h"

namespace tocsin::query {

// REQUIRES: expr.matching is set.
Result<RowStreamPtr> MatchVectors(Evaluator& evaluator, const BinaryExpr& expr,
                                  const StepGrid& grid);

}  // namespace tocsin::query
