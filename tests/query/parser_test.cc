#include "query/parser/parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "query/language.h"
#include "query/parser/duration_expr.h"
#include "query/parser/printer.h"

namespace tocsin::query {
namespace {

constexpr Features kAll{
    .experimental_functions = true, .extended_range_selectors = true, .binop_fill_modifiers = true};

std::string ErrorOf(std::string_view text, const Features& features = {}) {
  const auto result = ParseExpr(text, features);
  return result.ok() ? "parsed: " + PrintExpr(**result) : result.error().message();
}

struct ErrorCase {
  std::string_view query;
  std::string_view error;
};

class ParserErrors : public testing::TestWithParam<ErrorCase> {};

TEST_P(ParserErrors, HasTheText) { EXPECT_EQ(ErrorOf(GetParam().query), GetParam().error); }

constexpr ErrorCase kLexical[] = {
    {"", "unknown position: parse error: no expression found in input"},
    {"# only words\n", "1:1: parse error: no expression found in input"},
    {"(", "1:2: parse error: unclosed left parenthesis"},
    {"up[5m", "1:6: parse error: unclosed left bracket"},
    {"up[", "1:4: parse error: unexpected end of input in duration expression"},
    {"1)", "1:3: parse error: unexpected right parenthesis ')'"},
    {"up]", "1:3: parse error: unexpected right bracket ']'"},
    {"up{", "1:4: parse error: unexpected end of input inside braces"},
    {"up{a=\"b\"", "1:9: parse error: unexpected end of input inside braces"},
    {"up}", "1:3: parse error: unexpected character: '}'"},
    {"up{{", "1:4: parse error: unexpected left brace '{'"},
    {"a =~ b", "1:3: parse error: unexpected character after '=': '~'"},
    {"a ! b", "1:3: parse error: unexpected character after '!': ' '"},
    {"up{a!b}", "1:5: parse error: unexpected character after '!' inside braces: 'b'"},
    {"up{a$}", "1:5: parse error: unexpected character inside braces: '$'"},
    {"$", "1:1: parse error: unexpected character: '$'"},
    {"é", "1:1: parse error: unexpected character: 'é'"},
    {"\"abc", "1:1: parse error: unterminated quoted string"},
    {"\"a\nb\"", "1:1: parse error: unterminated quoted string"},
    {"`abc", "1:1: parse error: unterminated raw string"},
    {"\"\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'"},
    {"\"\\xz1\"", "1:1: parse error: illegal character U+007A 'z' in escape sequence"},
    {"\"\\ud800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\777\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\xff\"", "1:1: parse error: invalid UTF-8 rune"},
    {"1_", "1:1: parse error: bad number or duration syntax: \"1_\""},
    {"1e", "1:1: parse error: bad number or duration syntax: \"1e\""},
    {"1x", "1:1: parse error: bad number or duration syntax: \"1\""},
    {"0x1.2", "1:1: parse error: bad number or duration syntax: \"0x1.\""},
    {"5mx", "1:1: parse error: bad number or duration syntax: \"5mx\""},
    {"up[5m]\n  + $", "2:5: parse error: unexpected character: '$'"},
    {"up[:5m]", "1:5: parse error: unexpected colon before duration in duration expression"},
    {"up[5m:1m:]", "1:9: parse error: unexpected colon ':'"},
    {"up[a]", "1:4: parse error: unexpected character in duration expression: 'a'"},
    {"up[5m a]", "1:7: parse error: unexpected character: 'a', expected ':'"},
    {"1e999",
     "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of "
     "range"},
};
INSTANTIATE_TEST_SUITE_P(Lexical, ParserErrors, testing::ValuesIn(kLexical));

constexpr ErrorCase kSyntax[] = {
    {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
    {"foo a:b", "1:5: parse error: unexpected metric identifier \"a:b\""},
    {"foo 1", "1:5: parse error: unexpected number \"1\""},
    {"foo 5m", "1:5: parse error: unexpected duration \"5m\""},
    {"foo \"a\"", "1:5: parse error: unexpected string \"\\\"a\\\"\""},
    {"foo \"abcdefghijkl\"", "1:5: parse error: unexpected string \"\\\"abcdefghi\"..."},
    {"1 +", "1:4: parse error: unexpected end of input"},
    {"* 1", "1:1: parse error: unexpected <op:*>"},
    {"1 and and", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
    {"foo = bar", "1:5: parse error: unexpected \"=\""},
    {"foo on(a) bar", "1:5: parse error: unexpected <on>"},
    {"foo,bar", "1:4: parse error: unexpected \",\""},
    {"sum some_metric", "1:5: parse error: unexpected identifier \"some_metric\""},
    {"sum(foo bar)", "1:9: parse error: unexpected identifier \"bar\" in aggregation"},
    {"sum by (a) foo", "1:12: parse error: unexpected identifier \"foo\" in aggregation"},
    {"sum(foo) by a",
     "1:13: parse error: unexpected identifier \"a\" in grouping opts, expected \"(\""},
    {"sum without(==)(foo)",
     "1:13: parse error: unexpected <op:==> in grouping opts, expected label"},
    {"sum without(a b)(foo)",
     "1:15: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
    {"sum(foo) by (a) by (b)", "1:17: parse error: unexpected <by>"},
    {"sum by (\"\") (foo)", "1:9: parse error: invalid label name for grouping: \"\""},
    {"up{a}",
     "1:5: parse error: unexpected \"}\" in label matching, expected label matching operator"},
    {"up{a=b}", "1:6: parse error: unexpected identifier \"b\" in label matching, expected string"},
    {"up{=\"b\"}",
     "1:4: parse error: unexpected \"=\" in label matching, expected identifier or \"}\""},
    {"up{a=\"b\" c}",
     "1:10: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
    {"up{a=\"b\",,}",
     "1:10: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"up{a=~\"(\"}", "1:4: parse error: error parsing regexp: missing closing ): `^(?s:()$`"},
    {"up[5m 5m]",
     "1:7: parse error: unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\""},
    {"up[]",
     "1:4: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, "
     "step(), or range()"},
    {"up[5m:1m 2m]",
     "1:10: parse error: unexpected duration \"2m\" in subquery selector, expected \"]\""},
    {"up offset",
     "1:10: parse error: unexpected end of input in offset, expected number, "
     "duration, step(), or range()"},
    {"up offset foo",
     "1:11: parse error: unexpected identifier \"foo\" in offset, expected "
     "number, duration, step(), or range()"},
    {"up @ foo", "1:6: parse error: unexpected identifier \"foo\" in @, expected timestamp"},
    {"up @ start", "1:11: parse error: unexpected end of input in @, expected timestamp"},
    {"abs(up,)", "1:7: parse error: trailing commas not allowed in function call args"},
    {"bool", "1:1: parse error: unexpected <bool>"},
    {"foo * bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"},
    {"up[0]", "1:4: parse error: duration must be greater than 0"},
    {"up[-1m]", "1:4: parse error: duration must be greater than 0"},
    {"up[1m/0]", "1:6: parse error: division by zero"},
    {"up[1m%0]", "1:6: parse error: modulo by zero"},
    {"up[9999999999]", "1:4: parse error: duration out of range"},
};
INSTANTIATE_TEST_SUITE_P(Syntax, ParserErrors, testing::ValuesIn(kSyntax));

constexpr ErrorCase kSemantic[] = {
    {"nope(up)", "1:1: parse error: unknown function with name \"nope\""},
    {"1 + ABS(up)", "1:5: parse error: unknown function with name \"ABS\""},
    {"info(up)", "1:1: parse error: function \"info\" is not enabled"},
    {"limitk(1, up)",
     "1:1: parse error: limitk() is experimental and must be enabled with "
     "--enable-feature=promql-experimental-functions"},
    {"abs()", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0"},
    {"round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"},
    {"round(up, 1, 2)",
     "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
    {"rate(up)",
     "1:6: parse error: expected type range vector in call to function \"rate\", got instant "
     "vector"},
    {"abs(\"a\")",
     "1:5: parse error: expected type instant vector in call to function \"abs\", got string"},
    {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
    {"topk(up)",
     "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, "
     "got 1"},
    {"sum(up, up)",
     "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, "
     "got 2"},
    {"sum(1)",
     "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
    {"topk(up, up)",
     "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
    {"count_values(5, up)",
     "1:14: parse error: expected type string in aggregation parameter, got scalar"},
    {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=~\".*\"}",
     "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"a{__name__=\"b\"}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
    {"a{\"b\"}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
    {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"1 + bool 2", "1:3: parse error: bool modifier can only be used on comparison operators"},
    {"up + \"a\"",
     "1:6: parse error: binary expression must contain only scalar and instant vector types"},
    {"up[5m] + 1",
     "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"up or 1", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
    {"a and on(x) group_left b", "1:1: parse error: no grouping allowed for \"and\" operation"},
    {"a * on(x) 1", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"a * on(x) group_left(x) b",
     "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once"},
    {"abs(up)[5m]", "1:8: parse error: ranges only allowed for vector selectors"},
    {"up offset 5m [5m]", "1:14: parse error: no offset modifiers allowed before range"},
    {"up @ 1 [5m]", "1:8: parse error: no @ modifiers allowed before range"},
    {"1 offset 5m",
     "1:1: parse error: offset modifier must be preceded by an instant vector selector or range "
     "vector selector or a subquery"},
    {"sum(up) @ 1",
     "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector "
     "selector or a subquery"},
    {"up offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"},
    {"up @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"up @ start() @ end()", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"up @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
    {"up[5m][5m:]",
     "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
    {"1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"},
    {"-\"a\"",
     "1:1: parse error: unary expression only allowed on expressions of type scalar or instant "
     "vector, got \"string\""},
    {"-up[5m]",
     "1:1: parse error: unary expression only allowed on expressions of type scalar or instant "
     "vector, got \"range vector\""},
    {"up anchored", "1:1: parse error: anchored modifier is experimental and not enabled"},
    {"up smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"},
    {"a + fill(1) b", "1:1: parse error: binop fill modifiers are experimental and not enabled"},
    {"5hs", "1:1: parse error: unknown unit \"hs\" in duration \"5hs\""},
};
INSTANTIATE_TEST_SUITE_P(Semantic, ParserErrors, testing::ValuesIn(kSemantic));

TEST(Parser, ExperimentalErrors) {
  EXPECT_EQ(ErrorOf("a + fill(1) 1", kAll),
            "1:1: parse error: filling in missing series only allowed between instant vectors");
  EXPECT_EQ(ErrorOf("a and fill(1) b", kAll),
            "1:1: parse error: filling in missing series not allowed for set operators");
  EXPECT_EQ(ErrorOf("a + fill(x) b", kAll), "1:10: parse error: unexpected identifier \"x\"");
  EXPECT_EQ(ErrorOf("sum(a) smoothed", kAll),
            "1:1: parse error: smoothed modifier not implemented");
  EXPECT_EQ(ErrorOf("a[5m:1m] anchored", kAll),
            "1:1: parse error: anchored modifier is not supported for subqueries");
  EXPECT_EQ(ErrorOf("a[5m] anchored smoothed", kAll),
            "1:1: parse error: anchored and smoothed modifiers cannot be used together");
  EXPECT_EQ(ErrorOf("info(up, foo{a=\"b\"})", kAll),
            "1:10: parse error: expected label selectors only, got vector selector instead");
  EXPECT_EQ(ErrorOf("info(up, abs(up))", kAll), "1:10: parse error: expected label selectors only");
  EXPECT_EQ(ErrorOf("info(up, {})", kAll), "parsed: info(up, {})");
}

double NumberOf(std::string_view text) {
  const auto expr = ParseExpr(text);
  EXPECT_TRUE(expr.ok() && (*expr)->kind == ExprKind::kNumber) << text;
  return expr.ok() && (*expr)->kind == ExprKind::kNumber ? As<NumberLiteral>(**expr).value : -1;
}

TEST(Parser, Numbers) {
  EXPECT_EQ(NumberOf("1"), 1);
  EXPECT_EQ(NumberOf("-1"), -1);
  EXPECT_EQ(NumberOf("+1"), 1);
  EXPECT_EQ(NumberOf("--1"), 1);
  EXPECT_EQ(NumberOf(".5"), 0.5);
  EXPECT_EQ(NumberOf("5."), 5);
  EXPECT_EQ(NumberOf("1e3"), 1000);
  EXPECT_EQ(NumberOf("12.34e-6"), 12.34e-6);
  EXPECT_EQ(NumberOf("0xAF"), 175);
  EXPECT_EQ(NumberOf("0x_1F"), 31);
  EXPECT_EQ(NumberOf("1_000"), 1000);
  EXPECT_EQ(NumberOf("1_000.5"), 1000.5);
  EXPECT_EQ(NumberOf("010"), 8);
  EXPECT_EQ(NumberOf("08"), 8);
  EXPECT_EQ(NumberOf("99999999999999999999"), 1e20);
  EXPECT_EQ(NumberOf("-Inf"), -HUGE_VAL);
  EXPECT_EQ(NumberOf("inF"), HUGE_VAL);
  EXPECT_TRUE(std::isnan(NumberOf("NAN")));
  EXPECT_EQ(NumberOf("1h"), 3600);
  EXPECT_EQ(NumberOf("1h30m"), 5400);
  EXPECT_EQ(NumberOf("-5ms"), -0.005);
}

TEST(Parser, Strings) {
  const auto value = [](std::string_view text) {
    const auto expr = ParseExpr(text);
    return expr.ok() ? As<StringLiteral>(**expr).value : expr.error().message();
  };
  EXPECT_EQ(value(R"("a\"b\\\n\t")"), "a\"b\\\n\t");
  EXPECT_EQ(value(R"('a"\'')"), "a\"'");
  EXPECT_EQ(value("`a\\n\nb`"), "a\\n\nb");
  EXPECT_EQ(value(R"("\x41\101\u00e9\U0001F600")"), "AAé😀");
  EXPECT_EQ(value(R"("a\xc5z")"), "a\xc5z");
  EXPECT_EQ(value(R"("\a\b\f\v\r")"), "\a\b\f\v\r");
}

// Shown with explicit parentheses.
std::string Shape(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kBinary: {
      const auto& b = As<BinaryExpr>(expr);
      return "[" + Shape(*b.lhs) + std::string(BinaryOpText(b.op)) + Shape(*b.rhs) + "]";
    }
    case ExprKind::kUnary:
      return "[" + std::string(As<UnaryExpr>(expr).negative ? "-" : "+") +
             Shape(*As<UnaryExpr>(expr).expr) + "]";
    default:
      return PrintExpr(expr);
  }
}

std::string ShapeOf(std::string_view text) {
  const auto expr = ParseExpr(text, kAll);
  return expr.ok() ? Shape(**expr) : expr.error().message();
}

TEST(Parser, Precedence) {
  EXPECT_EQ(ShapeOf("a + b * c"), "[a+[b*c]]");
  EXPECT_EQ(ShapeOf("a * b + c"), "[[a*b]+c]");
  EXPECT_EQ(ShapeOf("a - b - c"), "[[a-b]-c]");
  EXPECT_EQ(ShapeOf("a ^ b ^ c"), "[a^[b^c]]");
  EXPECT_EQ(ShapeOf("a or b and c unless d"), "[aor[[bandc]unlessd]]");
  EXPECT_EQ(ShapeOf("a == b + c"), "[a==[b+c]]");
  EXPECT_EQ(ShapeOf("a </ b == c >/ d"), "[[[a</b]==c]>/d]");
  EXPECT_EQ(ShapeOf("a atan2 b + c"), "[[aatan2b]+c]");
  EXPECT_EQ(ShapeOf("-2^2"), "[-[2^2]]");
  EXPECT_EQ(ShapeOf("-a * b"), "[[-a]*b]");
  EXPECT_EQ(ShapeOf("-a ^ b"), "[-[a^b]]");
  EXPECT_EQ(ShapeOf("a ^ -b * c"), "[[a^[-b]]*c]");
  EXPECT_EQ(ShapeOf("1 - -1"), "[1--1]");
  EXPECT_EQ(ShapeOf("a and b or c"), "[[aandb]orc]");
}

TEST(Parser, KeywordsAreMetricNamesWhereOneIsExpected) {
  for (const std::string_view name :
       {"by", "sum", "offset", "and", "or", "unless", "without", "start", "end", "step", "range",
        "min_of", "max_of", "anchored", "smoothed", "limitk", "fill", "fill_left",
        "count_values"}) {
    const auto expr = ParseExpr(name);
    ASSERT_TRUE(expr.ok()) << name << expr.error().message();
    EXPECT_EQ(As<VectorSelector>(**expr).name, name);
  }
  EXPECT_EQ(ShapeOf("sum + sum"), "[sum+sum]");
  EXPECT_EQ(ShapeOf("fill + fill"), "[fill+fill]");
  EXPECT_EQ(ShapeOf("sum by (by, on, bool, offset, group_left) (a)"),
            "sum by (by, on, bool, offset, group_left) (a)");
  EXPECT_EQ(ShapeOf("SUM BY (a) (b)"), "sum by (a) (b)");
  EXPECT_EQ(ShapeOf("foo{by=\"x\",sum=\"y\"}"), "foo{by=\"x\",sum=\"y\"}");
}

TEST(Parser, Utf8Names) {
  const auto expr = ParseExpr(R"({"http.status", "my.label"=~"a.*", x!="y"})");
  ASSERT_TRUE(expr.ok()) << expr.error().message();
  const auto& selector = As<VectorSelector>(**expr);
  ASSERT_EQ(selector.matchers.size(), 3u);
  EXPECT_EQ(selector.matchers[0].name(), "__name__");
  EXPECT_EQ(selector.matchers[0].value(), "http.status");
  EXPECT_EQ(selector.matchers[1].name(), "my.label");
  EXPECT_EQ(ShapeOf(R"(sum by ("my.label", b) (a))"), R"(sum by ("my.label", b) (a))");
  EXPECT_EQ(ShapeOf(R"(a * on ("x.y") group_left ("z.z") b)"), "[a*b]");
}

TEST(Parser, Positions) {
  const auto expr = ParseExpr("  sum(rate(foo[5m] offset 1m)) by (a) / 2");
  ASSERT_TRUE(expr.ok());
  const auto& binary = As<BinaryExpr>(**expr);
  EXPECT_EQ(binary.pos, (PositionRange{2, 41}));
  EXPECT_EQ(binary.op_pos, (PositionRange{38, 39}));
  EXPECT_EQ(binary.lhs->pos, (PositionRange{2, 37}));
  const auto& call = As<Call>(*As<AggregateExpr>(*binary.lhs).expr);
  EXPECT_EQ(call.pos, (PositionRange{6, 29}));
  EXPECT_EQ(call.args[0]->pos, (PositionRange{11, 28}));
  EXPECT_EQ(LineColumn("a\nbc", 3), "2:2");
}

TEST(Parser, TimeModifiersInAnyOrder) {
  for (const std::string_view text : {"up @ 1.5 offset 5m", "up offset 5m @ 1.5"}) {
    const auto expr = ParseExpr(text);
    ASSERT_TRUE(expr.ok());
    const auto& time = As<VectorSelector>(**expr).time;
    EXPECT_EQ(time.at, Timestamp{1500});
    EXPECT_EQ(time.offset.value, Duration(300'000));
  }
  const auto at = [](std::string_view text) {
    const auto expr = ParseExpr(text);
    return expr.ok() ? As<VectorSelector>(**expr).time.at->ms : 0;
  };
  EXPECT_EQ(at("up @ -1"), -1000);
  EXPECT_EQ(at("up @ 5m"), 300'000);
  const auto bound = ParseExpr("up[5m] @ end()");
  ASSERT_TRUE(bound.ok());
  EXPECT_EQ(As<MatrixSelector>(**bound).selector->time.at_bound, AtBound::kEnd);
}

int64_t ResolvedOffset(std::string_view text) {
  auto expr = ParseExpr(text);
  if (!expr.ok()) {
    ADD_FAILURE() << expr.error().message();
    return -1;
  }
  const Status status = ResolveDurations(**expr, {Duration(5000), Duration(10'000)});
  if (!status.ok()) {
    ADD_FAILURE() << status.error().message();
    return -1;
  }
  const Expr* selector = expr->get();
  while (selector->kind == ExprKind::kBinary) selector = As<BinaryExpr>(*selector).lhs.get();
  return As<VectorSelector>(*selector).time.offset.value.count();
}

TEST(Parser, OffsetsStopAtALiteral) {
  EXPECT_EQ(ResolvedOffset("m offset 100 + 2"), 100'000);
  EXPECT_EQ(ResolvedOffset("m offset (100 + 2)"), 102'000);
  EXPECT_EQ(ResolvedOffset("m offset -2 ^ 2"), -2000);
  EXPECT_EQ(ResolvedOffset("m offset (-2 ^ 2)"), -4000);
  EXPECT_EQ(ResolvedOffset("m offset step()*0"), 5000);
  EXPECT_EQ(ResolvedOffset("m offset -step()*2"), -5000);
  EXPECT_EQ(ResolvedOffset("m offset (-step()*2)"), -10'000);
  EXPECT_EQ(ResolvedOffset("m offset (STEP()/10)"), 500);
  EXPECT_EQ(ResolvedOffset("m offset range()"), 10'000);
  EXPECT_EQ(ResolvedOffset("m offset min_of(step(), 1s)+8000"), 1000);
  EXPECT_EQ(ResolvedOffset("m offset -(min_of(step(), 2s)-5)+8000"), 3000);
  EXPECT_EQ(ResolvedOffset("m offset max_of(3s,min_of(step(), 1s))"), 3000);
  EXPECT_EQ(ResolvedOffset("m offset (20*(((((8 - 2) / 3) * 7s) % 4) + 8000ms))"), 200'000);
}

TEST(Parser, DurationExpressionErrors) {
  const auto error = [](std::string_view text) {
    auto expr = ParseExpr(text);
    if (!expr.ok()) return expr.error().message();
    const Status status = ResolveDurations(**expr, {});
    return status.ok() ? std::string("fine") : status.error().message();
  };
  EXPECT_EQ(error("up[step()]"), "3:9: duration must be greater than 0");
  EXPECT_EQ(error("up[1/step()]"), "3:11: division by zero");
  EXPECT_EQ(error("up[1%step()]"), "3:11: modulo by zero");
  EXPECT_EQ(error("up[1e200^2]"), "1:4: parse error: duration out of range");
  EXPECT_EQ(error("up[1e9^20]"), "3:9: duration is out of range");
  EXPECT_EQ(error("up[1e9^99]"), "3:9: duration is NaN or infinite");
  EXPECT_EQ(error("up offset (0-5m)"), "fine");
}

TEST(Parser, Fill) {
  const auto expr = ParseExpr("a - on(x) group_left fill_right(-1) fill_left(5m) b", kAll);
  ASSERT_TRUE(expr.ok()) << expr.error().message();
  const auto& matching = *As<BinaryExpr>(**expr).matching;
  EXPECT_EQ(matching.card, MatchCardinality::kManyToOne);
  EXPECT_EQ(matching.fill_left, 300.0);
  EXPECT_EQ(matching.fill_right, -1.0);
}

TEST(Parser, MatchingOnlyBetweenVectors) {
  const auto both = ParseExpr("a and b");
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(As<BinaryExpr>(**both).matching->card, MatchCardinality::kManyToMany);
  const auto scalar = ParseExpr("a + 1");
  ASSERT_TRUE(scalar.ok());
  EXPECT_FALSE(As<BinaryExpr>(**scalar).matching.has_value());
}

TEST(Parser, HostileInputIsAnError) {
  const auto repeat = [](std::string_view part, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += part;
    return out;
  };
  const auto is_deep = [](const std::string& text) {
    return ErrorOf(text).find("nested too deeply") != std::string::npos;
  };
  EXPECT_TRUE(is_deep(repeat("(", 1'000'000) + "1" + repeat(")", 1'000'000)));
  EXPECT_TRUE(is_deep(repeat("-", 1'000'000) + "a"));
  EXPECT_TRUE(is_deep(repeat("a+", 500'000) + "a"));
  EXPECT_TRUE(is_deep(repeat("a^", 500'000) + "a"));
  EXPECT_TRUE(is_deep(repeat("abs(", 250'000) + "a" + repeat(")", 250'000)));
  EXPECT_TRUE(is_deep("a" + repeat("[5m:]", 200'000)));
  EXPECT_TRUE(is_deep("a[" + repeat("(", 500'000) + "1" + repeat(")", 500'000) + "]"));
  EXPECT_TRUE(is_deep("a[" + repeat("1+", 500'000) + "1]"));
  EXPECT_TRUE(is_deep("a offset (" + repeat("-", 500'000) + "1)"));
  EXPECT_EQ(ErrorOf(std::string(5u << 20, ' ')), "query is longer than 4194304 bytes");
  EXPECT_TRUE(ParseExpr(repeat("a+", 900) + "a").ok());
  EXPECT_TRUE(ParseExpr(repeat("(", 900) + "a" + repeat(")", 900)).ok());
}

TEST(Language, SelectorsAndMetrics) {
  const auto selector = ParseSelector("up{job=~\"a|b\"}");
  ASSERT_TRUE(selector.ok());
  EXPECT_EQ(selector->size(), 2u);
  EXPECT_TRUE(ParseSelector("{}").ok());
  EXPECT_EQ(ParseSelector("up[5m]").error().message(), "1:3: parse error: unexpected \"[\"");
  EXPECT_EQ(ParseSelector("1").error().message(), "1:1: parse error: unexpected number \"1\"");
  const auto metric = ParseMetric("up{job=\"x\", \"a.b\"=\"c\"}");
  ASSERT_TRUE(metric.ok());
  EXPECT_EQ(*metric, (Labels{{"__name__", "up"}, {"a.b", "c"}, {"job", "x"}}));
  EXPECT_EQ(*ParseMetric("{\"a.b\"}"), (Labels{{"__name__", "a.b"}}));
  EXPECT_FALSE(ParseMetric("up{job=~\"x\"}").ok());
}

TEST(Language, Dependencies) {
  const auto some = QueryDependencies("a + rate(b[5m]) > on() {__name__=~\"c|d\"}");
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(some->metric_names, (std::set<std::string>{"a", "b", "c", "d"}));
  EXPECT_FALSE(some->all);
  EXPECT_TRUE(QueryDependencies("sum({job=\"x\"})")->all);
}

}  // namespace
}  // namespace tocsin::query
