// Selectors, and what may follow them: ranges and subqueries, offset, @, anchored and smoothed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "query/parser/grammar.h"
#include "query/parser/literal.h"

namespace tocsin::query {

namespace {

constexpr std::string_view kDurationWords = "number, duration, step(), or range()";

std::optional<MatchOp> MatchOpOf(TokenType type) {
  switch (type) {
    case TokenType::kAssign:
      return MatchOp::kEqual;
    case TokenType::kNotEqual:
      return MatchOp::kNotEqual;
    case TokenType::kMatchRegex:
      return MatchOp::kRegex;
    case TokenType::kMatchNotRegex:
      return MatchOp::kNotRegex;
    default:
      return std::nullopt;
  }
}

}  // namespace

// A selector that starts with a brace or a metric identifier.
std::unique_ptr<VectorSelector> Grammar::Selector() {
  auto selector = std::make_unique<VectorSelector>();
  const Token first = Peek();
  selector->pos = first.range();
  if (CanBeMetricName(first.type)) {
    selector->name = std::string(Take().text);
  } else if (first.type != Type::kLeftBrace) {
    return Unexpected();
  }
  if (Peek().type == Type::kLeftBrace && !Matchers(*selector)) return nullptr;
  if (!selector->name.empty()) {
    selector->matchers.emplace_back(MatchOp::kEqual, std::string(kMetricName), selector->name);
  }
  return failed_ ? nullptr : std::move(selector);
}

bool Grammar::Matchers(VectorSelector& selector) {
  InContext context(*this, "label matching", "identifier or \"}\"");
  Take();
  while (!TakeIf(Type::kRightBrace)) {
    context.Expect("identifier or \"}\"");
    if (!OneMatcher(&selector.matchers)) return false;
    context.Expect("\",\" or \"}\"");
    if (Peek().type != Type::kRightBrace && !Expect(Type::kComma)) return false;
  }
  selector.pos.end = last_end_;
  return true;
}

bool Grammar::OneMatcher(std::vector<Matcher>* matchers) {
  if (Peek().type != Type::kIdentifier && Peek().type != Type::kString) {
    Unexpected();
    return false;
  }
  const Token name = Take();
  if (name.type == Type::kIdentifier) return AddMatcher(matchers, name, std::string(name.text));
  std::string text = UnquoteString(name.text);
  if (MatchOpOf(Peek().type)) return AddMatcher(matchers, name, std::move(text));
  matchers->emplace_back(MatchOp::kEqual, std::string(kMetricName), std::move(text));
  return !failed_;
}

bool Grammar::AddMatcher(std::vector<Matcher>* matchers, const Token& name, std::string label) {
  const auto op = MatchOpOf(Peek().type);
  if (!op) {
    Unexpected("label matching", "label matching operator");
    return false;
  }
  Take();
  if (Peek().type != Type::kString) {
    Unexpected("label matching", "string");
    return false;
  }
  auto matcher = Matcher::Create(*op, std::move(label), UnquoteString(Take().text));
  if (!matcher.ok()) {
    Fail(name.pos, matcher.error().message());
    return false;
  }
  matchers->push_back(*std::move(matcher));
  return true;
}

Result<std::vector<Matcher>> Grammar::ParseSelectorOnly() {
  const auto selector = Selector();
  if (selector && Peek().type != Type::kEof) Unexpected();
  if (failed_) return TakeError();
  return std::move(selector->matchers);
}

Result<Labels> Grammar::ParseMetricOnly() {
  LabelsBuilder labels;
  std::string name;
  if (CanBeMetricName(Peek().type)) name = std::string(Take().text);
  if (Peek().type == Type::kLeftBrace) LabelPairs(labels);
  if (!failed_ && Peek().type != Type::kEof) Unexpected();
  if (failed_) return TakeError();
  if (!name.empty()) labels.Set(kMetricName, name);
  return labels.Build();
}

bool Grammar::LabelPairs(LabelsBuilder& labels) {
  InContext context(*this, "label set", "");
  Take();
  while (!TakeIf(Type::kRightBrace)) {
    context.Expect("identifier or \"}\"");
    const Token token = Peek();
    if (token.type != Type::kIdentifier && token.type != Type::kString)
      return Unexpected() != nullptr;
    Take();
    const bool quoted = token.type == Type::kString;
    const std::string label = quoted ? UnquoteString(token.text) : std::string(token.text);
    if (quoted && Peek().type != Type::kAssign) {
      labels.Set(kMetricName, label);
    } else {
      context.Expect("\"=\"");
      if (!Expect(Type::kAssign)) return false;
      context.Expect("string");
      if (Peek().type != Type::kString) return Unexpected() != nullptr;
      labels.Set(label, UnquoteString(Take().text));
    }
    context.Expect("\",\" or \"}\"");
    if (Peek().type != Type::kRightBrace && !Expect(Type::kComma)) return false;
  }
  return true;
}

ExprPtr Grammar::Bracket(ExprPtr expr) {
  const Token bracket = Take();
  InContext context(*this, "subquery or range selector", kDurationWords);
  QueryDuration range;
  if (!PositiveDuration(&range)) return nullptr;
  if (TakeIf(Type::kRightBracket)) return Range(std::move(expr), bracket, std::move(range));
  if (TakeIf(Type::kColon)) return Subquery(std::move(expr), context, std::move(range));
  return Unexpected("subquery or range", "\":\" or \"]\"");
}

ExprPtr Grammar::Range(ExprPtr expr, const Token& bracket, QueryDuration range) {
  if (expr->kind != ExprKind::kVectorSelector) {
    return Fail(bracket.pos, "ranges only allowed for vector selectors");
  }
  const TimeModifiers& time = As<VectorSelector>(*expr).time;
  if (time.offset.expr || time.offset.value.count() != 0) {
    return Fail(bracket.pos, "no offset modifiers allowed before range");
  }
  if (time.at || time.at_bound != AtBound::kNone) {
    return Fail(bracket.pos, "no @ modifiers allowed before range");
  }
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->pos.start = expr->pos.start;
  SetEnd(*matrix);
  matrix->depth = 2;
  matrix->range = std::move(range);
  matrix->selector.reset(static_cast<VectorSelector*>(expr.release()));
  return matrix;
}

ExprPtr Grammar::Subquery(ExprPtr expr, InContext& context, QueryDuration range) {
  auto subquery = std::make_unique<SubqueryExpr>();
  subquery->pos.start = expr->pos.start;
  subquery->range = std::move(range);
  if (!TakeIf(Type::kRightBracket)) {
    context.Expect("number, duration, step(), range(), or \"]\"");
    if (!StartsDuration())
      return Unexpected("subquery selector", "number, duration, step(), range(), or \"]\"");
    if (!PositiveDuration(&subquery->step)) return nullptr;
    if (!TakeIf(Type::kRightBracket)) return Unexpected("subquery selector", "\"]\"");
  }
  SetEnd(*subquery);
  if (!SetDepth(*subquery, expr->depth, subquery->pos.start)) return nullptr;
  subquery->expr = std::move(expr);
  return subquery;
}

TimeModifiers* Grammar::ModifiersOf(Expr& expr, std::string_view what) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      return &As<VectorSelector>(expr).time;
    case ExprKind::kMatrixSelector:
      return &As<MatrixSelector>(expr).selector->time;
    case ExprKind::kSubquery:
      return &As<SubqueryExpr>(expr).time;
    default:
      return Fail(expr.pos.start, std::string(what) +
                                      " modifier must be preceded by an instant vector selector or "
                                      "range vector selector or a subquery");
  }
}

bool Grammar::Offset(Expr& expr) {
  const InContext context(*this, "offset", kDurationWords);
  Take();
  QueryDuration offset;
  if (!OffsetDuration(&offset)) return false;
  TimeModifiers* time = ModifiersOf(expr, "offset");
  if (time == nullptr) return false;
  if (time->offset.expr || time->offset.value.count() != 0) {
    Fail(expr.pos.start, "offset may not be set multiple times");
    return false;
  }
  time->offset = std::move(offset);
  time->has_offset = true;
  SetEnd(expr);
  return true;
}

bool Grammar::At(Expr& expr) {
  const InContext context(*this, "@", "timestamp");
  Take();
  const Type type = Peek().type;
  if (type != Type::kStart && type != Type::kEnd) {
    const auto seconds = SignedNumber();
    return seconds && AtTimestamp(expr, *seconds);
  }
  Take();
  if (!Expect(Type::kLeftParen) || !Expect(Type::kRightParen)) return false;
  TimeModifiers* time = ModifiersOf(expr, "@");
  if (time == nullptr) return false;
  if (time->at || time->at_bound != AtBound::kNone) {
    return Fail(expr.pos.start, "@ <timestamp> may not be set multiple times") != nullptr;
  }
  time->at_bound = type == Type::kStart ? AtBound::kStart : AtBound::kEnd;
  SetEnd(expr);
  return true;
}

bool Grammar::AtTimestamp(Expr& expr, double seconds) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(seconds < kLimit && seconds > -kLimit)) {
    std::string text(400, '\0');
    const int size = std::snprintf(text.data(), text.size(), "%f", seconds);
    text.resize(static_cast<size_t>(size));
    if (std::isnan(seconds)) text = "NaN";
    if (std::isinf(seconds)) text = seconds > 0 ? "+Inf" : "-Inf";
    return Fail(expr.pos.start, "timestamp out of bounds for @ modifier: " + text) != nullptr;
  }
  TimeModifiers* time = ModifiersOf(expr, "@");
  if (time == nullptr) return false;
  if (time->at || time->at_bound != AtBound::kNone) {
    return Fail(expr.pos.start, "@ <timestamp> may not be set multiple times") != nullptr;
  }
  const double ms = std::round(seconds * 1000);
  time->at = Timestamp{ms >= kLimit    ? std::numeric_limits<int64_t>::max()
                       : ms <= -kLimit ? std::numeric_limits<int64_t>::min()
                                       : static_cast<int64_t>(ms)};
  SetEnd(expr);
  return true;
}

bool Grammar::Extended(Expr& expr, bool anchored) {
  const std::string word = anchored ? "anchored" : "smoothed";
  Take();
  if (!features_.extended_range_selectors) {
    return Fail(expr.pos.start, word + " modifier is experimental and not enabled") != nullptr;
  }
  VectorSelector* selector = nullptr;
  if (expr.kind == ExprKind::kVectorSelector) selector = &As<VectorSelector>(expr);
  if (expr.kind == ExprKind::kMatrixSelector) selector = As<MatrixSelector>(expr).selector.get();
  if (selector == nullptr) {
    return Fail(expr.pos.start, word + (expr.kind == ExprKind::kSubquery
                                            ? " modifier is not supported for subqueries"
                                            : " modifier not implemented")) != nullptr;
  }
  (anchored ? selector->anchored : selector->smoothed) = true;
  if (selector->anchored && selector->smoothed) {
    return Fail(expr.pos.start, "anchored and smoothed modifiers cannot be used together") !=
           nullptr;
  }
  SetEnd(expr);
  return true;
}

}  // namespace tocsin::query
