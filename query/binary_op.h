// Binary operators: scalars and vectors in all pairings.
#pragma once

#include "query/evaluator.h"
#include "query/parser/ast.h"

namespace tocsin::query {

Result<std::vector<double>> EvaluateScalarBinary(Evaluator& evaluator, const BinaryExpr& expr,
                                                 const StepGrid& grid);
// REQUIRES: at least one side is an instant vector.
Result<RowStreamPtr> EvaluateBinary(Evaluator& evaluator, const BinaryExpr& expr,
                                    const StepGrid& grid);

// Changes the meaning of values, so that the metric name no longer fits: + - * / % ^ atan2.
bool IsArithmetic(BinaryOp op);
bool IsTrim(BinaryOp op);  // </ >/

// x op y of floats; comparisons give 1 or 0.
double ApplyFloats(BinaryOp op, double x, double y);

}  // namespace tocsin::query
