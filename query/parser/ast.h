// A parsed query: a tree of plain structs, one per construct of the language, type-checked by the
// parser. Walk it with a switch over `kind` and the As<>() cast.
//
// The height of a tree is at most kMaxExprDepth, so recursive walks (and the destructor) need
// a bounded stack whatever the text was.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/parser/position.h"
#include "query/value.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/model/matcher.h"

namespace tocsin::query {

struct FunctionSpec;  // query/functions/spec.h

inline constexpr int kMaxExprDepth = 1000;

enum class ExprKind : uint8_t {
  kNumber,
  kString,
  kParen,
  kUnary,
  kBinary,
  kCall,
  kAggregate,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
};

struct Expr {
  explicit Expr(ExprKind k) : kind(k) {}
  virtual ~Expr() = default;
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;

  const ExprKind kind;
  ValueType type = ValueType::kNone;  // of the result; kNone never leaves the parser
  PositionRange pos;                  // all of the construct, modifiers included
  int depth = 1;                      // height of the tree from here
};
using ExprPtr = std::unique_ptr<Expr>;

// REQUIRES: T::kKind == expr.kind.
template <typename T>
const T& As(const Expr& expr) {
  return static_cast<const T&>(expr);
}
template <typename T>
T& As(Expr& expr) {
  return static_cast<T&>(expr);
}

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kGreater,
  kLessOrEqual,
  kGreaterOrEqual,
  kTrimUpper,  // </
  kTrimLower,  // >/
  kAnd,
  kOr,
  kUnless,
};
std::string_view BinaryOpText(BinaryOp op);  // "+", "atan2", "==", "</", "unless"
bool IsComparison(BinaryOp op);              // == != < > <= >=
bool IsSetOp(BinaryOp op);                   // and or unless

enum class AggregateOp : uint8_t {
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,
  kLimitRatio,
};
std::string_view AggregateOpText(AggregateOp op);  // "count_values"
bool HasParam(AggregateOp op);                     // topk bottomk count_values quantile limit*
bool IsExperimental(AggregateOp op);               // limitk limit_ratio

// Duration expressions: what may stand in [...], in subquery steps and after offset besides a plain
// duration. Numbers are seconds.
struct DurationExpr {
  enum class Op : uint8_t {
    kNumber,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
    kStep,
    kRange,
    kMin,
    kMax
  };

  Op op = Op::kNumber;
  double value = 0;            // kNumber: seconds
  bool duration_text = false;  // kNumber: written as a duration (5m), not as a number
  bool wrapped = false;        // in parentheses
  PositionRange pos;
  // Binary: both. Unary plus and minus: only rhs. kNumber, kStep, kRange: none.
  std::unique_ptr<DurationExpr> lhs, rhs;
  int depth = 1;
};
using DurationExprPtr = std::unique_ptr<DurationExpr>;

// A length of time in a query. `expr` is set when it was not written as a plain duration or number;
// then `value` is meaningless until ResolveDurations (duration_expr.h) has computed it.
struct QueryDuration {
  Duration value{0};
  DurationExprPtr expr;
};

enum class AtBound : uint8_t { kNone, kStart, kEnd };

// `offset` and `@` of a selector or subquery. At most one of `at` and `at_bound` is set.
struct TimeModifiers {
  QueryDuration offset;  // negative: looks ahead
  bool has_offset = false;
  std::optional<Timestamp> at;
  AtBound at_bound = AtBound::kNone;
};

struct NumberLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kNumber;
  NumberLiteral() : Expr(kKind) { type = ValueType::kScalar; }

  double value = 0;
  bool duration_text = false;  // written as a duration: prints as one
};

struct StringLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kString;
  StringLiteral() : Expr(kKind) { type = ValueType::kString; }

  std::string value;
};

struct ParenExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kParen;
  ParenExpr() : Expr(kKind) {}

  ExprPtr expr;
};

struct UnaryExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kUnary;
  UnaryExpr() : Expr(kKind) {}

  bool negative = false;  // else unary plus
  ExprPtr expr;
};

enum class MatchCardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
std::string_view MatchCardinalityText(MatchCardinality card);  // "many-to-one" = group_left

// How the elements of two vectors find their partners.
struct VectorMatching {
  MatchCardinality card = MatchCardinality::kOneToOne;  // kManyToMany: set operators
  bool on = false;                                      // else `labels` are ignored ones
  std::vector<std::string> labels;                      // as written
  std::vector<std::string> include;                     // of group_left / group_right
  std::optional<double> fill_left, fill_right;          // fill(v) sets both
};

struct BinaryExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kBinary;
  BinaryExpr() : Expr(kKind) {}

  BinaryOp op = BinaryOp::kAdd;
  PositionRange op_pos;  // of the operator alone
  bool return_bool = false;
  ExprPtr lhs, rhs;
  // Set exactly when both sides are instant vectors.
  std::optional<VectorMatching> matching;
};

struct Call : Expr {
  static constexpr ExprKind kKind = ExprKind::kCall;
  Call() : Expr(kKind) {}

  const FunctionSpec* function = nullptr;  // never null after parsing
  std::vector<ExprPtr> args;               // count and types checked
};

struct AggregateExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kAggregate;
  AggregateExpr() : Expr(kKind) { type = ValueType::kVector; }

  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr param;  // scalar (string for count_values), or null: see HasParam
  bool without = false;
  bool has_grouping = false;          // by () or without () was written, possibly empty
  std::vector<std::string> grouping;  // as written
};

struct VectorSelector : Expr {
  static constexpr ExprKind kKind = ExprKind::kVectorSelector;
  VectorSelector() : Expr(kKind) { type = ValueType::kVector; }

  std::string name;               // the metric name when written before the braces, else ""
  std::vector<Matcher> matchers;  // as written; the one for `name` comes last
  TimeModifiers time;             // of the range selector too, when inside one
  bool anchored = false;
  bool smoothed = false;
};

struct MatrixSelector : Expr {
  static constexpr ExprKind kKind = ExprKind::kMatrixSelector;
  MatrixSelector() : Expr(kKind) { type = ValueType::kMatrix; }

  std::unique_ptr<VectorSelector> selector;
  QueryDuration range;  // > 0
};

struct SubqueryExpr : Expr {
  static constexpr ExprKind kKind = ExprKind::kSubquery;
  SubqueryExpr() : Expr(kKind) { type = ValueType::kMatrix; }

  ExprPtr expr;
  QueryDuration range;  // > 0
  QueryDuration step;   // 0 when left out: the engine's default
  TimeModifiers time;
};

// Without the parentheses around it, if any.
const Expr& Unwrap(const Expr& expr);

// Calls `visit` with each direct child, in the order written. The selector inside a range selector
// counts as a child.
template <typename Visit>
void ForEachChild(const Expr& expr, Visit&& visit) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kVectorSelector:
      return;
    case ExprKind::kParen:
      return visit(*As<ParenExpr>(expr).expr);
    case ExprKind::kUnary:
      return visit(*As<UnaryExpr>(expr).expr);
    case ExprKind::kBinary:
      visit(*As<BinaryExpr>(expr).lhs);
      return visit(*As<BinaryExpr>(expr).rhs);
    case ExprKind::kCall:
      for (const ExprPtr& arg : As<Call>(expr).args) visit(*arg);
      return;
    case ExprKind::kAggregate:
      if (As<AggregateExpr>(expr).param) visit(*As<AggregateExpr>(expr).param);
      return visit(*As<AggregateExpr>(expr).expr);
    case ExprKind::kMatrixSelector:
      return visit(static_cast<const Expr&>(*As<MatrixSelector>(expr).selector));
    case ExprKind::kSubquery:
      return visit(*As<SubqueryExpr>(expr).expr);
  }
}

}  // namespace tocsin::query
