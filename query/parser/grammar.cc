#include "query/parser/grammar.h"

#include <algorithm>

#include "query/functions/registry.h"
#include "query/parser/literal.h"

namespace tocsin::query {

namespace {

constexpr int kPowPrecedence = 6;

// 0: not a binary operator.
int Precedence(TokenType type) {
  switch (type) {
    case TokenType::kOr:
      return 1;
    case TokenType::kAnd:
    case TokenType::kUnless:
      return 2;
    case TokenType::kEqual:
    case TokenType::kNotEqual:
    case TokenType::kLess:
    case TokenType::kGreater:
    case TokenType::kLessOrEqual:
    case TokenType::kGreaterOrEqual:
    case TokenType::kTrimUpper:
    case TokenType::kTrimLower:
      return 3;
    case TokenType::kAdd:
    case TokenType::kSub:
      return 4;
    case TokenType::kMul:
    case TokenType::kDiv:
    case TokenType::kMod:
    case TokenType::kAtan2:
      return 5;
    case TokenType::kPow:
      return kPowPrecedence;
    default:
      return 0;
  }
}

BinaryOp BinaryOpOf(TokenType type) {
  switch (type) {
    case TokenType::kAdd:
      return BinaryOp::kAdd;
    case TokenType::kSub:
      return BinaryOp::kSub;
    case TokenType::kMul:
      return BinaryOp::kMul;
    case TokenType::kDiv:
      return BinaryOp::kDiv;
    case TokenType::kMod:
      return BinaryOp::kMod;
    case TokenType::kPow:
      return BinaryOp::kPow;
    case TokenType::kAtan2:
      return BinaryOp::kAtan2;
    case TokenType::kEqual:
      return BinaryOp::kEqual;
    case TokenType::kNotEqual:
      return BinaryOp::kNotEqual;
    case TokenType::kLess:
      return BinaryOp::kLess;
    case TokenType::kGreater:
      return BinaryOp::kGreater;
    case TokenType::kLessOrEqual:
      return BinaryOp::kLessOrEqual;
    case TokenType::kGreaterOrEqual:
      return BinaryOp::kGreaterOrEqual;
    case TokenType::kTrimUpper:
      return BinaryOp::kTrimUpper;
    case TokenType::kTrimLower:
      return BinaryOp::kTrimLower;
    case TokenType::kAnd:
      return BinaryOp::kAnd;
    case TokenType::kOr:
      return BinaryOp::kOr;
    default:
      return BinaryOp::kUnless;
  }
}

// The two enums list aggregations in the same order.
AggregateOp AggregateOpOf(TokenType type) {
  return static_cast<AggregateOp>(static_cast<int>(type) - static_cast<int>(TokenType::kSum));
}
static_assert(static_cast<int>(TokenType::kLimitRatio) - static_cast<int>(TokenType::kSum) ==
              static_cast<int>(AggregateOp::kLimitRatio));

}  // namespace

// Counts levels of recursion, whatever construct causes them.
class Grammar::Deeper {
 public:
  explicit Deeper(Grammar& grammar) : nesting_(grammar.nesting_) { ++nesting_; }
  ~Deeper() { --nesting_; }
  Deeper(const Deeper&) = delete;
  bool too_deep() const { return nesting_ > kMaxExprDepth; }

 private:
  int& nesting_;
};

const Token& Grammar::Peek() {
  if (!next_) {
    next_ = lexer_.Next();
    if (next_->type == Type::kError) Fail(next_->pos, lexer_.error());
  }
  return *next_;
}

Token Grammar::Take() {
  const Token token = Peek();
  next_.reset();
  last_end_ = token.range().end;
  return token;
}

bool Grammar::TakeIf(Type type) {
  if (Peek().type != type) return false;
  Take();
  return true;
}

bool Grammar::Expect(Type type) {
  if (TakeIf(type)) return true;
  return Unexpected() != nullptr;
}

std::nullptr_t Grammar::Unexpected() { return Unexpected(context_.in, context_.expected); }

std::nullptr_t Grammar::Unexpected(std::string_view in, std::string_view expected) {
  const Token& token = Peek();
  std::string message = "unexpected " + DescribeToken(token);
  if (!in.empty()) message.append(" in ").append(in);
  if (!expected.empty()) message.append(", expected ").append(expected);
  return Fail(token.pos, std::move(message));
}

std::nullptr_t Grammar::Fail(uint32_t pos, std::string message) {
  if (failed_) return nullptr;
  failed_ = true;
  error_ = LineColumn(lexer_.input(), pos) + ": parse error: " + message;
  return nullptr;
}

std::nullptr_t Grammar::TooDeep(uint32_t pos) {
  return Fail(pos, "expression is nested too deeply, the limit is " +
                       std::to_string(kMaxExprDepth) + " levels");
}

Error Grammar::TakeError() const { return InvalidArgument(error_); }

bool Grammar::SetDepth(Expr& expr, int children, uint32_t pos) {
  expr.depth = children + 1;
  if (expr.depth <= kMaxExprDepth) return true;
  TooDeep(pos);
  return false;
}

Result<ExprPtr> Grammar::ParseQuery() {
  if (Peek().type == Type::kEof) Fail(0, "no expression found in input");
  ExprPtr expr = failed_ ? nullptr : Expression(1);
  if (expr && Peek().type != Type::kEof) Unexpected();
  if (failed_) return TakeError();
  return expr;
}

ExprPtr Grammar::Expression(int min_precedence) {
  const Deeper deeper(*this);
  if (deeper.too_deep()) return TooDeep(Peek().pos);
  ExprPtr lhs = Unary();
  while (lhs) {
    const int precedence = Precedence(Peek().type);
    if (precedence == 0 || precedence < min_precedence) break;
    const Token op = Take();
    lhs = Binary(std::move(lhs), op, precedence);
  }
  return failed_ ? nullptr : std::move(lhs);
}

// A sign binds like a multiplication: -a*b is (-a)*b, -a^b is -(a^b).
ExprPtr Grammar::Unary() {
  const Type type = Peek().type;
  if (type != Type::kAdd && type != Type::kSub) return Operand();
  const Token sign = Take();
  ExprPtr operand = Expression(kPowPrecedence);
  if (!operand) return nullptr;
  if (operand->kind == ExprKind::kNumber) {
    auto& number = As<NumberLiteral>(*operand);
    if (type == Type::kSub) number.value = -number.value;
    number.pos.start = sign.pos;
    return operand;
  }
  auto unary = std::make_unique<UnaryExpr>();
  unary->negative = type == Type::kSub;
  unary->pos = {sign.pos, operand->pos.end};
  unary->type = operand->type;
  if (!SetDepth(*unary, operand->depth, sign.pos)) return nullptr;
  unary->expr = std::move(operand);
  return unary;
}

// A primary expression and all that may follow it: ranges, offset, @.
ExprPtr Grammar::Operand() {
  ExprPtr expr = Primary();
  while (expr && !failed_) {
    bool ok = true;
    switch (Peek().type) {
      case Type::kLeftBracket:
        expr = Bracket(std::move(expr));
        continue;
      case Type::kOffset:
        ok = Offset(*expr);
        break;
      case Type::kAt:
        ok = At(*expr);
        break;
      case Type::kAnchored:
      case Type::kSmoothed:
        ok = Extended(*expr, Peek().type == Type::kAnchored);
        break;
      default:
        return failed_ ? nullptr : std::move(expr);
    }
    if (!ok) return nullptr;
  }
  return nullptr;
}

ExprPtr Grammar::Primary() {
  switch (Peek().type) {
    case Type::kNumber:
    case Type::kDuration:
      return NumberOrDuration();
    case Type::kString:
      return String();
    case Type::kLeftParen:
      return Paren();
    case Type::kLeftBrace:
      return Selector();
    default:
      return CanBeMetricName(Peek().type) ? WordExpression() : Unexpected();
  }
}

ExprPtr Grammar::Paren() {
  auto paren = std::make_unique<ParenExpr>();
  paren->pos.start = Take().pos;
  ExprPtr expr = Expression(1);
  if (!expr || !Expect(Type::kRightParen)) return nullptr;
  SetEnd(*paren);
  paren->type = expr->type;
  if (!SetDepth(*paren, expr->depth, paren->pos.start)) return nullptr;
  paren->expr = std::move(expr);
  return paren;
}

std::optional<double> Grammar::Number(const Token& token) {
  const Result<double> value = token.type == Type::kDuration ? ParseDurationSeconds(token.text)
                                                             : ParseNumberText(token.text);
  if (value.ok()) return *value;
  Fail(token.pos, token.type == Type::kDuration
                      ? value.error().message()
                      : "error parsing number: " + value.error().message());
  return std::nullopt;
}

ExprPtr Grammar::NumberOrDuration() {
  const Token token = Take();
  const auto value = Number(token);
  if (!value) return nullptr;
  auto literal = std::make_unique<NumberLiteral>();
  literal->value = *value;
  literal->duration_text = token.type == Type::kDuration;
  literal->pos = token.range();
  return literal;
}

ExprPtr Grammar::String() {
  const Token token = Take();
  auto literal = std::make_unique<StringLiteral>();
  literal->value = UnquoteString(token.text);
  literal->pos = token.range();
  return literal;
}

// A word is a call before a parenthesis, an aggregation before by and without too, else a metric.
ExprPtr Grammar::WordExpression() {
  const Token word = Peek();
  if (word.type == Type::kMetricIdentifier) return Selector();
  Token name = Take();
  const Type next = Peek().type;
  if (IsAggregateToken(name.type) &&
      (next == Type::kLeftParen || next == Type::kBy || next == Type::kWithout)) {
    return Aggregate(name);
  }
  const bool callable =
      name.type == Type::kIdentifier || (name.type >= Type::kStart && name.type <= Type::kMaxOf);
  if (callable && next == Type::kLeftParen) return FunctionCall(name);
  auto selector = std::make_unique<VectorSelector>();
  selector->name = std::string(name.text);
  selector->pos = name.range();
  if (next == Type::kLeftBrace && !Matchers(*selector)) return nullptr;
  selector->matchers.emplace_back(MatchOp::kEqual, std::string(kMetricName), selector->name);
  return selector;
}

ExprPtr Grammar::FunctionCall(const Token& name) {
  auto call = std::make_unique<Call>();
  call->pos.start = name.pos;
  if (!Arguments(&call->args, &call->pos.end)) return nullptr;
  std::string lower(name.text);
  if (name.type != Type::kIdentifier) {
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
  std::string quoted;
  AppendGoQuoted(quoted, name.text);
  call->function = FindFunction(lower);
  if (call->function == nullptr) {
    return Fail(name.pos, "unknown function with name " + quoted);
  }
  if (call->function->experimental && !features_.experimental_functions) {
    return Fail(name.pos, "function " + quoted + " is not enabled");
  }
  call->type = call->function->returns;
  int depth = 0;
  for (const ExprPtr& arg : call->args) depth = std::max(depth, arg->depth);
  if (!SetDepth(*call, depth, name.pos)) return nullptr;
  return call;
}

bool Grammar::Arguments(std::vector<ExprPtr>* args, uint32_t* end) {
  Token separator = Peek();
  if (!Expect(Type::kLeftParen)) return false;
  if (!TakeIf(Type::kRightParen)) {
    do {
      if (separator.type == Type::kComma && Peek().type == Type::kRightParen) {
        Fail(separator.pos, "trailing commas not allowed in function call args");
        return false;
      }
      ExprPtr arg = Expression(1);
      if (!arg) return false;
      args->push_back(std::move(arg));
      separator = Peek();
    } while (TakeIf(Type::kComma));
    if (!Expect(Type::kRightParen)) return false;
  }
  *end = last_end_;
  return true;
}

ExprPtr Grammar::Binary(ExprPtr lhs, const Token& op, int precedence) {
  auto binary = std::make_unique<BinaryExpr>();
  VectorMatching matching;
  binary->op = BinaryOpOf(op.type);
  binary->op_pos = op.range();
  if (!BinaryModifiers(*binary, matching)) return nullptr;
  ExprPtr rhs = Expression(precedence == kPowPrecedence ? precedence : precedence + 1);
  if (!rhs) return nullptr;
  binary->pos = {lhs->pos.start, rhs->pos.end};
  if ((matching.fill_left || matching.fill_right) && !features_.binop_fill_modifiers) {
    return Fail(binary->pos.start, "binop fill modifiers are experimental and not enabled");
  }
  if (!SetDepth(*binary, std::max(lhs->depth, rhs->depth), op.pos)) return nullptr;
  binary->type = lhs->type == ValueType::kScalar && rhs->type == ValueType::kScalar
                     ? ValueType::kScalar
                     : ValueType::kVector;
  binary->matching = std::move(matching);
  binary->lhs = std::move(lhs);
  binary->rhs = std::move(rhs);
  return binary;
}

bool Grammar::BinaryModifiers(BinaryExpr& binary, VectorMatching& matching) {
  binary.return_bool = TakeIf(Type::kBool);
  if (Peek().type == Type::kOn || Peek().type == Type::kIgnoring) {
    matching.on = Take().type == Type::kOn;
    if (!GroupingLabels(&matching.labels)) return false;
    if (Peek().type == Type::kGroupLeft || Peek().type == Type::kGroupRight) {
      matching.card = Take().type == Type::kGroupLeft ? MatchCardinality::kManyToOne
                                                      : MatchCardinality::kOneToMany;
      if (Peek().type == Type::kLeftParen && !GroupingLabels(&matching.include)) return false;
    }
  }
  return FillModifiers(matching);
}

bool Grammar::FillModifiers(VectorMatching& matching) {
  if (TakeIf(Type::kFill)) {
    if (!FillValue(&matching.fill_left)) return false;
    matching.fill_right = matching.fill_left;
    return true;
  }
  const Type first = Peek().type;
  if (first == Type::kFillLeft) {
    Take();
    return FillValue(&matching.fill_left) &&
           (!TakeIf(Type::kFillRight) || FillValue(&matching.fill_right));
  }
  if (first == Type::kFillRight) {
    Take();
    return FillValue(&matching.fill_right) &&
           (!TakeIf(Type::kFillLeft) || FillValue(&matching.fill_left));
  }
  return !failed_;
}

bool Grammar::FillValue(std::optional<double>* value) {
  if (!Expect(Type::kLeftParen)) return false;
  *value = SignedNumber();
  return *value && Expect(Type::kRightParen);
}

std::optional<double> Grammar::SignedNumber() {
  bool negative = false;
  if (Peek().type == Type::kAdd || Peek().type == Type::kSub) {
    negative = Take().type == Type::kSub;
  }
  if (Peek().type != Type::kNumber && Peek().type != Type::kDuration) {
    Unexpected();
    return std::nullopt;
  }
  const auto value = Number(Take());
  return value && negative ? std::optional<double>(-*value) : value;
}

ExprPtr Grammar::Aggregate(const Token& op) {
  auto aggregate = std::make_unique<AggregateExpr>();
  aggregate->op = AggregateOpOf(op.type);
  aggregate->pos.start = op.pos;
  std::vector<ExprPtr> args;
  {
    const InContext context(*this, "aggregation", "");
    const bool grouping_first = Peek().type != Type::kLeftParen;
    if (grouping_first && !Grouping(*aggregate)) return nullptr;
    if (!Arguments(&args, &aggregate->pos.end)) return nullptr;
    const Type next = Peek().type;
    if (!grouping_first && (next == Type::kBy || next == Type::kWithout)) {
      if (!Grouping(*aggregate)) return nullptr;
      SetEnd(*aggregate);
    }
  }
  if (args.empty()) return Fail(op.pos, "no arguments for aggregate expression provided");
  if (IsExperimental(aggregate->op) && !features_.experimental_functions) {
    return Fail(op.pos, std::string(AggregateOpText(aggregate->op)) +
                            "() is experimental and must be enabled with "
                            "--enable-feature=promql-experimental-functions");
  }
  const size_t wanted = HasParam(aggregate->op) ? 2 : 1;
  if (args.size() != wanted) {
    return Fail(op.pos, "wrong number of arguments for aggregate expression provided, expected " +
                            std::to_string(wanted) + ", got " + std::to_string(args.size()));
  }
  aggregate->expr = std::move(args.back());
  if (wanted == 2) aggregate->param = std::move(args.front());
  const int param_depth = aggregate->param ? aggregate->param->depth : 0;
  if (!SetDepth(*aggregate, std::max(aggregate->expr->depth, param_depth), op.pos)) return nullptr;
  return aggregate;
}

bool Grammar::Grouping(AggregateExpr& aggregate) {
  aggregate.without = Take().type == Type::kWithout;
  aggregate.has_grouping = true;
  return GroupingLabels(&aggregate.grouping);
}

bool Grammar::GroupingLabels(std::vector<std::string>* labels) {
  InContext context(*this, "grouping opts", "\"(\"");
  if (!Expect(Type::kLeftParen)) return false;
  if (TakeIf(Type::kRightParen)) return true;
  for (;;) {
    context.Expect("label");
    if (!GroupingLabel(labels)) return false;
    context.Expect("\",\" or \")\"");
    if (TakeIf(Type::kRightParen)) return true;
    if (!Expect(Type::kComma)) return false;
    if (TakeIf(Type::kRightParen)) return true;
  }
}

bool Grammar::GroupingLabel(std::vector<std::string>* labels) {
  const Token& next = Peek();
  if (next.type == Type::kString) {
    const Token token = Take();
    labels->push_back(UnquoteString(token.text));
    if (IsValidLabelName(labels->back())) return true;
    std::string message = "invalid label name for grouping: ";
    AppendGoQuoted(message, labels->back());
    Fail(token.pos, std::move(message));
    return false;
  }
  if (!CanBeLabel(next.type)) {
    Unexpected();
    return false;
  }
  labels->emplace_back(Take().text);
  return true;
}

}  // namespace tocsin::query
