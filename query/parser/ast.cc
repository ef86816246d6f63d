#include "query/parser/ast.h"

namespace tocsin::query {

std::string_view BinaryOpText(BinaryOp op) {
  constexpr std::string_view kTexts[] = {"+", "-", "*",  "/",  "%",  "^",  "atan2", "==", "!=",
                                         "<", ">", "<=", ">=", "</", ">/", "and",   "or", "unless"};
  return kTexts[static_cast<size_t>(op)];
}

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterOrEqual; }

bool IsSetOp(BinaryOp op) { return op >= BinaryOp::kAnd; }

std::string_view AggregateOpText(AggregateOp op) {
  constexpr std::string_view kTexts[] = {
      "sum",    "avg",  "count",   "min",          "max",      "group",  "stddev",
      "stdvar", "topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"};
  return kTexts[static_cast<size_t>(op)];
}

bool HasParam(AggregateOp op) { return op >= AggregateOp::kTopk; }

bool IsExperimental(AggregateOp op) {
  return op == AggregateOp::kLimitk || op == AggregateOp::kLimitRatio;
}

std::string_view MatchCardinalityText(MatchCardinality card) {
  constexpr std::string_view kTexts[] = {"one-to-one", "many-to-one", "one-to-many",
                                         "many-to-many"};
  return kTexts[static_cast<size_t>(card)];
}

const Expr& Unwrap(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kParen) inner = As<ParenExpr>(*inner).expr.get();
  return *inner;
}

}  // namespace tocsin::query
