#include "query/parser/type_check.h"

#include <algorithm>
#include <string>

#include "query/functions/registry.h"

namespace tocsin::query {

namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

bool IsScalarOrVector(ValueType type) {
  return type == ValueType::kScalar || type == ValueType::kVector;
}

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  Status Check(Expr& expr);

 private:
  Error At(PositionRange pos, const std::string& message) const {
    return InvalidArgument(LineColumn(text_, pos.start) + ": parse error: " + message);
  }
  Status CheckType(Expr& expr, ValueType want, std::string_view context);
  Status CheckAggregate(AggregateExpr& aggregate);
  Status CheckBinary(BinaryExpr& binary);
  Status CheckMatching(BinaryExpr& binary, bool both_vectors);
  Status CheckCall(Call& call);
  Status CheckArgumentCount(const Call& call) const;
  Status CheckInfo(Call& call);
  Status CheckUnary(UnaryExpr& unary);
  Status CheckSubquery(SubqueryExpr& subquery);
  Status CheckSelector(const VectorSelector& selector) const;

  const std::string_view text_;
  const Expr* info_selector_ = nullptr;  // may match anything
};

Status Checker::Check(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return OkStatus();
    case ExprKind::kParen:
      return Check(*As<ParenExpr>(expr).expr);
    case ExprKind::kUnary:
      return CheckUnary(As<UnaryExpr>(expr));
    case ExprKind::kBinary:
      return CheckBinary(As<BinaryExpr>(expr));
    case ExprKind::kCall:
      return CheckCall(As<Call>(expr));
    case ExprKind::kAggregate:
      return CheckAggregate(As<AggregateExpr>(expr));
    case ExprKind::kVectorSelector:
      return CheckSelector(As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector:
      return CheckSelector(*As<MatrixSelector>(expr).selector);
    case ExprKind::kSubquery:
      return CheckSubquery(As<SubqueryExpr>(expr));
  }
  return OkStatus();
}

Status Checker::CheckType(Expr& expr, ValueType want, std::string_view context) {
  TOCSIN_RETURN_IF_ERROR(Check(expr));
  if (expr.type == want) return OkStatus();
  return At(expr.pos, std::string("expected type ")
                          .append(DocumentedType(want))
                          .append(" in ")
                          .append(context)
                          .append(", got ")
                          .append(DocumentedType(expr.type)));
}

Status Checker::CheckAggregate(AggregateExpr& aggregate) {
  TOCSIN_RETURN_IF_ERROR(CheckType(*aggregate.expr, ValueType::kVector, "aggregation expression"));
  if (!aggregate.param) return OkStatus();
  const ValueType want =
      aggregate.op == AggregateOp::kCountValues ? ValueType::kString : ValueType::kScalar;
  return CheckType(*aggregate.param, want, "aggregation parameter");
}

Status Checker::CheckBinary(BinaryExpr& binary) {
  TOCSIN_RETURN_IF_ERROR(Check(*binary.lhs));
  TOCSIN_RETURN_IF_ERROR(Check(*binary.rhs));
  const ValueType left = binary.lhs->type;
  const ValueType right = binary.rhs->type;
  if (binary.return_bool && !IsComparison(binary.op)) {
    return At(binary.op_pos, "bool modifier can only be used on comparison operators");
  }
  if (IsComparison(binary.op) && !binary.return_bool && left == ValueType::kScalar &&
      right == ValueType::kScalar) {
    return At(binary.op_pos, "comparisons between scalars must use BOOL modifier");
  }
  if (binary.matching->on) {
    for (const std::string& label : binary.matching->labels) {
      const auto& include = binary.matching->include;
      if (std::find(include.begin(), include.end(), label) == include.end()) continue;
      return At(binary.op_pos,
                "label " + Quoted(label) + " must not occur in ON and GROUP clause at once");
    }
  }
  for (const Expr* side : {binary.lhs.get(), binary.rhs.get()}) {
    if (IsScalarOrVector(side->type)) continue;
    return At(side->pos, "binary expression must contain only scalar and instant vector types");
  }
  return CheckMatching(binary, left == ValueType::kVector && right == ValueType::kVector);
}

Status Checker::CheckMatching(BinaryExpr& binary, bool both_vectors) {
  VectorMatching& matching = *binary.matching;
  const std::string op = Quoted(BinaryOpText(binary.op));
  const bool fills = matching.fill_left || matching.fill_right;
  if (!both_vectors) {
    if (!matching.labels.empty()) {
      return At(binary.pos, "vector matching only allowed between instant vectors");
    }
    if (fills) {
      return At(binary.pos, "filling in missing series only allowed between instant vectors");
    }
    if (IsSetOp(binary.op)) {
      return At(binary.pos, "set operator " + op + " not allowed in binary scalar expression");
    }
    binary.matching.reset();
    return OkStatus();
  }
  if (!IsSetOp(binary.op)) return OkStatus();
  if (matching.card != MatchCardinality::kOneToOne) {
    return At(binary.pos, "no grouping allowed for " + op + " operation");
  }
  if (fills) return At(binary.pos, "filling in missing series not allowed for set operators");
  matching.card = MatchCardinality::kManyToMany;
  return OkStatus();
}

Status Checker::CheckCall(Call& call) {
  const FunctionSpec& function = *call.function;
  TOCSIN_RETURN_IF_ERROR(CheckArgumentCount(call));
  if (function.name == "info" && call.args.size() > 1) TOCSIN_RETURN_IF_ERROR(CheckInfo(call));
  const std::string context = "call to function " + Quoted(function.name);
  for (size_t i = 0; i < call.args.size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(
        CheckType(*call.args[i], function.arg_type(static_cast<int>(i)), context));
  }
  return OkStatus();
}

Status Checker::CheckArgumentCount(const Call& call) const {
  const FunctionSpec& function = *call.function;
  const int got = static_cast<int>(call.args.size());
  const auto wrong = [&](std::string_view bound, int count) {
    return At(call.pos, std::string("expected ")
                            .append(bound)
                            .append(std::to_string(count))
                            .append(" argument(s) in call to ")
                            .append(Quoted(function.name))
                            .append(", got ")
                            .append(std::to_string(got)));
  };
  if (function.variadic == 0) {
    return got == function.arg_count() ? OkStatus() : Status(wrong("", function.arg_count()));
  }
  if (got < function.min_args()) return wrong("at least ", function.min_args());
  if (function.max_args() != FunctionSpec::kUnbounded && got > function.max_args()) {
    return wrong("at most ", function.max_args());
  }
  return OkStatus();
}

// The second argument of info() selects labels, so it may match the empty set of labels.
Status Checker::CheckInfo(Call& call) {
  const Expr& selector = *call.args[1];
  if (selector.type != ValueType::kVector) {
    return At(call.pos, "expected type instant vector in call to function \"info\", got " +
                            std::string(DocumentedType(selector.type)));
  }
  if (selector.kind != ExprKind::kVectorSelector) {
    return At(selector.pos, "expected label selectors only");
  }
  if (!As<VectorSelector>(selector).name.empty()) {
    return At(selector.pos, "expected label selectors only, got vector selector instead");
  }
  info_selector_ = &selector;
  return OkStatus();
}

Status Checker::CheckUnary(UnaryExpr& unary) {
  TOCSIN_RETURN_IF_ERROR(Check(*unary.expr));
  if (IsScalarOrVector(unary.expr->type)) return OkStatus();
  return At(unary.pos,
            "unary expression only allowed on expressions of type scalar or instant vector, got " +
                Quoted(DocumentedType(unary.expr->type)));
}

Status Checker::CheckSubquery(SubqueryExpr& subquery) {
  TOCSIN_RETURN_IF_ERROR(Check(*subquery.expr));
  if (subquery.expr->type == ValueType::kVector) return OkStatus();
  return At(subquery.pos, "subquery is only allowed on instant vector, got " +
                              std::string(ValueTypeName(subquery.expr->type)) + " instead");
}

Status Checker::CheckSelector(const VectorSelector& selector) const {
  if (!selector.name.empty()) {
    for (size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
      const Matcher& matcher = selector.matchers[i];
      if (matcher.name() != kMetricName) continue;
      return At(selector.pos, "metric name must not be set twice: " + Quoted(selector.name) +
                                  " or " + Quoted(matcher.value()));
    }
    return OkStatus();
  }
  const bool selects = std::any_of(selector.matchers.begin(), selector.matchers.end(),
                                   [](const Matcher& m) { return !m.MatchesEmpty(); });
  if (selects || &selector == info_selector_) return OkStatus();
  return At(selector.pos, "vector selector must contain at least one non-empty matcher");
}

}  // namespace

std::string_view DocumentedType(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    case ValueType::kString:
      return "string";
    default:
      return "none";
  }
}

Status CheckTypes(std::string_view text, Expr& root) { return Checker(text).Check(root); }

}  // namespace tocsin::query
