// The grammar as a recursive descent over tokens. Produces trees without type checks; see
// type_check.h for those.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/engine.h"
#include "query/parser/ast.h"
#include "query/parser/lexer.h"

namespace tocsin::query {

// One text, one thread, one of the entry points once. Methods that return null, nullopt or false
// have recorded the first error; nothing more is parsed then.
class Grammar {
 public:
  Grammar(std::string_view text, const Features& features) : lexer_(text), features_(features) {}

  Result<ExprPtr> ParseQuery();
  Result<std::vector<Matcher>> ParseSelectorOnly();
  Result<Labels> ParseMetricOnly();

 private:
  using Type = TokenType;

  // What a syntax error says beyond the token: the innermost construct that is under way.
  struct Context {
    std::string_view in;
    std::string_view expected;
  };
  class InContext {
   public:
    InContext(Grammar& grammar, std::string_view in, std::string_view expected)
        : context_(grammar.context_), saved_(std::exchange(context_, {in, expected})) {}
    ~InContext() { context_ = saved_; }
    InContext(const InContext&) = delete;

    void Expect(std::string_view expected) { context_.expected = expected; }

   private:
    Context& context_;
    const Context saved_;
  };
  class Deeper;

  // Tokens are read only when looked at: errors of the text come out in the order of reading.
  const Token& Peek();
  Token Take();
  bool TakeIf(Type type);
  bool Expect(Type type);

  // All return a false value for convenience.
  std::nullptr_t Unexpected();
  std::nullptr_t Unexpected(std::string_view in, std::string_view expected);
  std::nullptr_t Fail(uint32_t pos, std::string message);
  std::nullptr_t TooDeep(uint32_t pos);
  Error TakeError() const;

  // expressions (grammar.cc)
  ExprPtr Expression(int min_precedence);
  ExprPtr Unary();
  ExprPtr Operand();
  ExprPtr Primary();
  ExprPtr Paren();
  ExprPtr NumberOrDuration();
  ExprPtr String();
  ExprPtr WordExpression();
  ExprPtr FunctionCall(const Token& name);
  bool Arguments(std::vector<ExprPtr>* args, uint32_t* end);
  ExprPtr Binary(ExprPtr lhs, const Token& op, int precedence);
  bool BinaryModifiers(BinaryExpr& binary, VectorMatching& matching);
  bool FillModifiers(VectorMatching& matching);
  bool FillValue(std::optional<double>* value);
  std::optional<double> SignedNumber();
  std::optional<double> Number(const Token& token);

  // aggregations (grammar.cc)
  ExprPtr Aggregate(const Token& op);
  bool Grouping(AggregateExpr& aggregate);
  bool GroupingLabels(std::vector<std::string>* labels);
  bool GroupingLabel(std::vector<std::string>* labels);

  // selectors and what may follow them (grammar_selector.cc)
  std::unique_ptr<VectorSelector> Selector();
  bool Matchers(VectorSelector& selector);
  bool OneMatcher(std::vector<Matcher>* matchers);
  bool AddMatcher(std::vector<Matcher>* matchers, const Token& name, std::string label);
  bool LabelPairs(LabelsBuilder& labels);
  ExprPtr Bracket(ExprPtr expr);
  ExprPtr Range(ExprPtr expr, const Token& bracket, QueryDuration range);
  ExprPtr Subquery(ExprPtr expr, InContext& context, QueryDuration range);
  bool Offset(Expr& expr);
  bool At(Expr& expr);
  bool AtTimestamp(Expr& expr, double seconds);
  bool Extended(Expr& expr, bool anchored);
  TimeModifiers* ModifiersOf(Expr& expr, std::string_view what);

  // duration expressions (grammar_duration.cc)
  bool PositiveDuration(QueryDuration* out);
  bool OffsetDuration(QueryDuration* out);
  DurationExprPtr Duration(int min_precedence);
  DurationExprPtr DurationRest(DurationExprPtr lhs, int min_precedence);
  DurationExprPtr DurationUnary();
  DurationExprPtr DurationPrimary();
  DurationExprPtr DurationNumber();
  DurationExprPtr DurationCall();
  DurationExprPtr DurationParen();
  DurationExprPtr Negate(DurationExprPtr operand, const Token& sign);
  DurationExprPtr CheckRange(DurationExprPtr number, uint32_t pos);
  bool StartsDuration();

  // Copies the height of the children into a new node; false when that is too high.
  bool SetDepth(Expr& expr, int children, uint32_t pos);
  void SetEnd(Expr& expr) { expr.pos.end = last_end_; }

  Lexer lexer_;
  const Features& features_;
  std::optional<Token> next_;
  uint32_t last_end_ = 0;  // of the last token taken
  Context context_{};
  int nesting_ = 0;
  bool failed_ = false;
  std::string error_;
};

}  // namespace tocsin::query
