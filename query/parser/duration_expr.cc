#include "query/parser/duration_expr.h"

#include <cmath>
#include <string>

namespace tocsin::query {

namespace {

constexpr double kMaxSeconds = 9223372036854775808.0 / 1e9;

Error At(PositionRange pos, const std::string& message) {
  return InvalidArgument(std::to_string(pos.start) + ":" + std::to_string(pos.end) + ": " +
                         message);
}

Result<double> Evaluate(const DurationExpr& expr, const DurationContext& context);

Result<double> EvaluateBinary(const DurationExpr& expr, double a, double b) {
  switch (expr.op) {
    case DurationExpr::Op::kAdd:
      return a + b;
    case DurationExpr::Op::kSub:
      return a - b;
    case DurationExpr::Op::kMul:
      return a * b;
    case DurationExpr::Op::kPow:
      return std::pow(a, b);
    case DurationExpr::Op::kMin:
      return std::isnan(a) || std::isnan(b) ? std::nan("") : std::fmin(a, b);
    case DurationExpr::Op::kMax:
      return std::isnan(a) || std::isnan(b) ? std::nan("") : std::fmax(a, b);
    case DurationExpr::Op::kDiv:
      if (b == 0) return At(expr.pos, "division by zero");
      return a / b;
    default:
      if (b == 0) return At(expr.pos, "modulo by zero");
      return std::fmod(a, b);
  }
}

// In seconds.
Result<double> Evaluate(const DurationExpr& expr, const DurationContext& context) {
  switch (expr.op) {
    case DurationExpr::Op::kNumber:
      return expr.value;
    case DurationExpr::Op::kStep:
      return static_cast<double>(context.step.count()) / 1000.0;
    case DurationExpr::Op::kRange:
      return static_cast<double>(context.range.count()) / 1000.0;
    default:
      break;
  }
  TOCSIN_ASSIGN(const double rhs, Evaluate(*expr.rhs, context));
  if (!expr.lhs) return expr.op == DurationExpr::Op::kSub ? -rhs : rhs;
  TOCSIN_ASSIGN(const double lhs, Evaluate(*expr.lhs, context));
  return EvaluateBinary(expr, lhs, rhs);
}

Status Resolve(QueryDuration& duration, const DurationContext& context, bool positive) {
  if (!duration.expr) return OkStatus();
  TOCSIN_ASSIGN(const double seconds, Evaluate(*duration.expr, context));
  if (!std::isfinite(seconds)) return At(duration.expr->pos, "duration is NaN or infinite");
  if (positive && seconds <= 0) return At(duration.expr->pos, "duration must be greater than 0");
  if (seconds > kMaxSeconds || seconds < -kMaxSeconds) {
    return At(duration.expr->pos, "duration is out of range");
  }
  duration.value = Duration(static_cast<int64_t>(seconds * 1000));
  return OkStatus();
}

}  // namespace

Status ResolveDurations(Expr& root, const DurationContext& context) {
  if (root.kind == ExprKind::kVectorSelector) {
    return Resolve(As<VectorSelector>(root).time.offset, context, false);
  }
  if (root.kind == ExprKind::kMatrixSelector) {
    auto& matrix = As<MatrixSelector>(root);
    TOCSIN_RETURN_IF_ERROR(Resolve(matrix.range, context, true));
    return Resolve(matrix.selector->time.offset, context, false);
  }
  if (root.kind == ExprKind::kSubquery) {
    auto& subquery = As<SubqueryExpr>(root);
    TOCSIN_RETURN_IF_ERROR(Resolve(subquery.range, context, true));
    TOCSIN_RETURN_IF_ERROR(Resolve(subquery.step, context, true));
    TOCSIN_RETURN_IF_ERROR(Resolve(subquery.time.offset, context, false));
  }
  Status status;
  ForEachChild(root, [&](const Expr& child) {
    if (status.ok()) status = ResolveDurations(const_cast<Expr&>(child), context);
  });
  return status;
}

}  // namespace tocsin::query
