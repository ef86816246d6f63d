#include "query/binary_op.h"

#include <cmath>

#include "query/element_op.h"
#include "query/float_op.h"
#include "query/vector_matching.h"

namespace tocsin::query {
namespace {

// A vector with one scalar per step on the other side.
class VectorScalarStream final : public RowStream {
 public:
  VectorScalarStream(QueryContext& context, const BinaryExpr& expr, RowStreamPtr input,
                     std::vector<double> scalars, bool scalar_first)
      : context_(context),
        expr_(expr),
        input_(std::move(input)),
        scalars_(std::move(scalars)),
        scalar_first_(scalar_first) {}

  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, input_->Next(row));
    if (!more) {
      problems_.Report(context_.annotations, expr_.pos);
      return false;
    }
    if (row->h.empty() && !IsTrim(expr_.op)) {
      WithFloatOp(expr_.op, [&](auto op) { Apply(op, row->v.data(), row->v.size()); });
    } else {
      ApplyMixed(row);
    }
    if (DropsName()) ForgetName(context_, row);
    return true;
  }
  bool distinct_without_name() const override { return input_->distinct_without_name(); }
  bool DropsName() const { return IsArithmetic(expr_.op) || expr_.return_bool; }

 private:
  template <typename Op>
  void Apply(Op op, double* v, size_t n) {
    const double* s = scalars_.data();
    const bool filter = IsComparison(expr_.op) && !expr_.return_bool;
    for (size_t i = 0; i < n; ++i) {
      if (IsAbsent(v[i])) continue;
      const double result = scalar_first_ ? op(s[i], v[i]) : op(v[i], s[i]);
      if (!filter) {
        v[i] = result;
      } else if (result == 0) {
        v[i] = Absent();
      }
    }
  }

  void ApplyMixed(Row* row) {
    for (size_t i = 0; i < row->v.size(); ++i) {
      if (!row->Has(i)) continue;
      const Operand element = OperandAt(*row, i);
      const Operand scalar{scalars_[i], nullptr};
      if (scalar_first_) {
        ApplyAt(expr_, scalar, element, element, i, &problems_, row);
      } else {
        ApplyAt(expr_, element, scalar, element, i, &problems_, row);
      }
    }
  }

  QueryContext& context_;
  const BinaryExpr& expr_;
  RowStreamPtr input_;
  const std::vector<double> scalars_;
  const bool scalar_first_;
  StepProblems problems_;
};

}  // namespace

bool IsArithmetic(BinaryOp op) { return op <= BinaryOp::kAtan2; }

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower; }

double ApplyFloats(BinaryOp op, double x, double y) {
  double result = 0;
  WithFloatOp(op, [&](auto f) { result = f(x, y); });
  return result;
}

Result<std::vector<double>> EvaluateScalarBinary(Evaluator& evaluator, const BinaryExpr& expr,
                                                 const StepGrid& grid) {
  TOCSIN_ASSIGN(auto x, evaluator.Scalar(*expr.lhs, grid));
  TOCSIN_ASSIGN(auto y, evaluator.Scalar(*expr.rhs, grid));
  WithFloatOp(expr.op, [&](auto op) {
    for (size_t i = 0; i < x.size(); ++i) x[i] = op(x[i], y[i]);
  });
  return x;
}

Result<RowStreamPtr> EvaluateBinary(Evaluator& evaluator, const BinaryExpr& expr,
                                    const StepGrid& grid) {
  const bool scalar_left = expr.lhs->type == ValueType::kScalar;
  const bool scalar_right = expr.rhs->type == ValueType::kScalar;
  if (!scalar_left && !scalar_right) return MatchVectors(evaluator, expr, grid);
  TOCSIN_ASSIGN(auto input, evaluator.Vector(scalar_left ? *expr.rhs : *expr.lhs, grid));
  TOCSIN_ASSIGN(auto scalars, evaluator.Scalar(scalar_left ? *expr.lhs : *expr.rhs, grid));
  auto stream = std::make_unique<VectorScalarStream>(evaluator.context(), expr, std::move(input),
                                                     std::move(scalars), scalar_left);
  if (!stream->DropsName()) return RowStreamPtr(std::move(stream));
  return UnifyAfterDrop(evaluator.context(), std::move(stream), OnDuplicate::kMerge);
}

}  // namespace tocsin::query
