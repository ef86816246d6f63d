// Duration expressions: the small arithmetic inside square brackets and after offset.
#include <algorithm>
#include <cmath>

#include "query/parser/grammar.h"

namespace tocsin::query {

namespace {

// Seconds beyond which nanoseconds do not fit 64 bits.
constexpr double kMaxSeconds = 9223372036854775808.0 / 1e9;
constexpr int kPowPrecedence = 3;

int Precedence(TokenType type) {
  switch (type) {
    case TokenType::kAdd:
    case TokenType::kSub:
      return 1;
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod:
      return 2;
    case TokenType::kPow:
      return kPowPrecedence;
    default:
      return 0;
  }
}

DurationExpr::Op OpOf(TokenType type) {
  switch (type) {
    case TokenType::kAdd:
      return DurationExpr::Op::kAdd;
    case TokenType::kSub:
      return DurationExpr::Op::kSub;
    case TokenType::kMul:
      return DurationExpr::Op::kMul;
    case TokenType::kDiv:
      return DurationExpr::Op::kDiv;
    case TokenType::kMod:
      return DurationExpr::Op::kMod;
    case TokenType::kPow:
      return DurationExpr::Op::kPow;
    case TokenType::kStep:
      return DurationExpr::Op::kStep;
    case TokenType::kRange:
      return DurationExpr::Op::kRange;
    case TokenType::kMinOf:
      return DurationExpr::Op::kMin;
    default:
      return DurationExpr::Op::kMax;
  }
}

bool IsNumber(const DurationExpr& expr) { return expr.op == DurationExpr::Op::kNumber; }

// Plain numbers need no evaluation. Nanoseconds are rounded, milliseconds cut off.
QueryDuration ToQueryDuration(DurationExprPtr expr) {
  QueryDuration out;
  if (!IsNumber(*expr)) {
    out.expr = std::move(expr);
    return out;
  }
  const double ns = std::round(expr->value * 1e9);
  const bool fits = ns < 9223372036854775808.0 && ns > -9223372036854775808.0;
  out.value = tocsin::Duration(fits ? static_cast<int64_t>(ns) / 1'000'000 : 0);
  return out;
}

DurationExprPtr Wrap(DurationExprPtr inner, PositionRange pos) {
  if (!IsNumber(*inner)) {
    inner->wrapped = true;
    return inner;
  }
  auto plus = std::make_unique<DurationExpr>();
  plus->op = DurationExpr::Op::kAdd;
  plus->wrapped = true;
  plus->pos = pos;
  plus->depth = 2;
  plus->rhs = std::move(inner);
  return plus;
}

}  // namespace

bool Grammar::StartsDuration() {
  switch (Peek().type) {
    case Type::kNumber:
    case Type::kDuration:
    case Type::kLeftParen:
    case Type::kAdd:
    case Type::kSub:
    case Type::kStep:
    case Type::kRange:
    case Type::kMinOf:
    case Type::kMaxOf:
      return true;
    default:
      return false;
  }
}

bool Grammar::PositiveDuration(QueryDuration* out) {
  DurationExprPtr expr = Duration(1);
  if (!expr) return false;
  if (IsNumber(*expr) && expr->value <= 0) {
    Fail(expr->pos.start, "duration must be greater than 0");
    return false;
  }
  *out = ToQueryDuration(std::move(expr));
  return true;
}

// Without parentheses a number or call ends the offset: `x offset 1h / 2` is `(x offset 1h) / 2`.
// After parentheses the arithmetic goes on as long as it can be one of durations.
bool Grammar::OffsetDuration(QueryDuration* out) {
  const Token first = Peek();
  DurationExprPtr expr;
  if (first.type == Type::kAdd || first.type == Type::kSub) {
    Take();
    const Token operand = Peek();
    expr = DurationPrimary();
    if (!expr) return false;
    if (operand.type == Type::kLeftParen) expr = Wrap(std::move(expr), operand.range());
    expr = Negate(std::move(expr), first);
  } else {
    expr = DurationPrimary();
    if (expr && first.type == Type::kLeftParen) expr = DurationRest(std::move(expr), 1);
  }
  if (!expr) return false;
  *out = ToQueryDuration(std::move(expr));
  return true;
}

DurationExprPtr Grammar::Duration(int min_precedence) {
  if (nesting_ >= kMaxExprDepth) return TooDeep(Peek().pos);
  ++nesting_;
  DurationExprPtr expr = DurationUnary();
  if (expr) expr = DurationRest(std::move(expr), min_precedence);
  --nesting_;
  return expr;
}

DurationExprPtr Grammar::DurationRest(DurationExprPtr lhs, int min_precedence) {
  for (;;) {
    const Token op = Peek();
    const int precedence = Precedence(op.type);
    if (precedence == 0 || precedence < min_precedence) return failed_ ? nullptr : std::move(lhs);
    Take();
    DurationExprPtr rhs = Duration(precedence == kPowPrecedence ? precedence : precedence + 1);
    if (!rhs) return nullptr;
    if (IsNumber(*rhs) && rhs->value == 0) {
      if (op.type == Type::kDiv) return Fail(op.pos, "division by zero");
      if (op.type == Type::kMod) return Fail(op.pos, "modulo by zero");
    }
    auto node = std::make_unique<DurationExpr>();
    node->op = OpOf(op.type);
    node->pos = {lhs->pos.start, rhs->pos.end};
    node->depth = std::max(lhs->depth, rhs->depth) + 1;
    if (node->depth > kMaxExprDepth) return TooDeep(op.pos);
    node->lhs = std::move(lhs);
    node->rhs = std::move(rhs);
    lhs = std::move(node);
  }
}

DurationExprPtr Grammar::DurationUnary() {
  const Token sign = Peek();
  if (sign.type != Type::kAdd && sign.type != Type::kSub) return DurationPrimary();
  Take();
  DurationExprPtr operand = Duration(kPowPrecedence);
  return operand ? Negate(std::move(operand), sign) : nullptr;
}

// Or not, when the sign is a plus.
DurationExprPtr Grammar::Negate(DurationExprPtr operand, const Token& sign) {
  if (IsNumber(*operand)) {
    if (sign.type == Type::kSub) operand->value = -operand->value;
    operand->pos.start = sign.pos;
    return CheckRange(std::move(operand), sign.pos);
  }
  if (sign.type == Type::kAdd) return operand;
  auto node = std::make_unique<DurationExpr>();
  node->op = DurationExpr::Op::kSub;
  node->pos = {sign.pos, operand->pos.end};
  node->depth = operand->depth + 1;
  if (node->depth > kMaxExprDepth) return TooDeep(sign.pos);
  node->rhs = std::move(operand);
  return node;
}

DurationExprPtr Grammar::CheckRange(DurationExprPtr number, uint32_t pos) {
  if (number->value > kMaxSeconds || number->value < -kMaxSeconds) {
    return Fail(pos, "duration out of range");
  }
  return number;
}

DurationExprPtr Grammar::DurationPrimary() {
  switch (Peek().type) {
    case Type::kNumber:
    case Type::kDuration:
      return DurationNumber();
    case Type::kStep:
    case Type::kRange:
    case Type::kMinOf:
    case Type::kMaxOf:
      return DurationCall();
    case Type::kLeftParen:
      return DurationParen();
    default:
      return Unexpected();
  }
}

DurationExprPtr Grammar::DurationNumber() {
  const Token token = Take();
  const auto value = Number(token);
  if (!value) return nullptr;
  auto number = std::make_unique<DurationExpr>();
  number->value = *value;
  number->duration_text = token.type == Type::kDuration;
  number->pos = token.range();
  return CheckRange(std::move(number), token.pos);
}

DurationExprPtr Grammar::DurationCall() {
  const Token name = Take();
  auto call = std::make_unique<DurationExpr>();
  call->op = OpOf(name.type);
  if (!Expect(Type::kLeftParen)) return nullptr;
  if (name.type == Type::kMinOf || name.type == Type::kMaxOf) {
    call->lhs = Duration(1);
    if (!call->lhs || !Expect(Type::kComma)) return nullptr;
    call->rhs = Duration(1);
    if (!call->rhs) return nullptr;
    call->depth = std::max(call->lhs->depth, call->rhs->depth) + 1;
  }
  if (!Expect(Type::kRightParen)) return nullptr;
  call->pos = {name.pos, last_end_};
  return call->depth > kMaxExprDepth ? TooDeep(name.pos) : std::move(call);
}

DurationExprPtr Grammar::DurationParen() {
  const Token paren = Take();
  DurationExprPtr inner = Duration(1);
  if (!inner || !Expect(Type::kRightParen)) return nullptr;
  return Wrap(std::move(inner), {paren.pos, last_end_});
}

}  // namespace tocsin::query
