#include "query/parser/printer.h"

#include <gtest/gtest.h>

#include <string>

#include "query/language.h"
#include "query/parser/parser.h"

namespace tocsin::query {
namespace {

constexpr Features kAll{
    .experimental_functions = true, .extended_range_selectors = true, .binop_fill_modifiers = true};

std::string Printed(std::string_view text) {
  const auto expr = ParseExpr(text, kAll);
  return expr.ok() ? PrintExpr(**expr) : expr.error().message();
}

struct PrintCase {
  std::string_view in;
  std::string_view out;  // empty: the same
};

class Printer : public testing::TestWithParam<PrintCase> {};

TEST_P(Printer, Normalises) {
  const std::string want(GetParam().out.empty() ? GetParam().in : GetParam().out);
  EXPECT_EQ(Printed(GetParam().in), want);
  EXPECT_EQ(Printed(want), want) << "not a fixed point";
}

constexpr PrintCase kCases[] = {
    {"up", ""},
    {"up{}", "up"},
    {"up{b=\"1\",a!~\"x\",}", "up{a!~\"x\",b=\"1\"}"},
    {"{__name__=\"up\"}", ""},
    {"{\"up.x\"}", "{__name__=\"up.x\"}"},
    {"{\"a.b\"=\"c\",d=\"\"}", ""},
    {"up[90s]", "up[1m30s]"},
    {"up[300]", "up[5m]"},
    {"up[5m]offset 1h@100", "up[5m] @ 100.000 offset 1h"},
    {"up offset -5m", ""},
    {"up offset 0s", "up"},
    {"up @ start()", ""},
    {"up @ 1.5", "up @ 1.500"},
    {"up[5m+1]", "up[5m + 1]"},
    {"up[(step()+1)*2]", "up[(step() + 1) * 2]"},
    {"up offset (5m)", ""},
    {"up offset -(5)", ""},
    {"up offset -min_of(10s,20s)", "up offset -min_of(10s, 20s)"},
    {"up[range()]", ""},
    {"sum(up) by (a,b)", "sum by (a, b) (up)"},
    {"sum by () (up)", "sum(up)"},
    {"sum without () (up)", ""},
    {"topk(3,up)", "topk(3, up)"},
    {"count_values(\"x\",up)", "count_values(\"x\", up)"},
    {"a+b", "a + b"},
    {"a==bool b", "a == bool b"},
    {"a*on(x)group_left b", "a * on (x) group_left () b"},
    {"a*ignoring(x)group_right(y)b", "a * ignoring (x) group_right (y) b"},
    {"a+on()b", "a + on () b"},
    {"a+fill(2)b", "a + fill (2) b"},
    {"a+fill_left(2)b", "a + fill_left (2) b"},
    {"rate(a[5m:1m])", ""},
    {"a[5m:]", ""},
    {"a[5m:] @ end() offset 1m", ""},
    {"-a", ""},
    {"+a", ""},
    {"-(a+b)", "-(a + b)"},
    {"1e3", "1000"},
    {"1e-7", "0.0000001"},
    {"Inf", "+Inf"},
    {"-inf", "-Inf"},
    {"nan", "NaN"},
    {"90s", "1m30s"},
    {"-5m", ""},
    {"'a\"b'", "\"a\\\"b\""},
    {"a[5m] anchored", ""},
    {"a smoothed offset 5m", ""},
    {"vector(1)", ""},
    {"label_join(a,\"b\",\"c\")", "label_join(a, \"b\", \"c\")"},
};
INSTANTIATE_TEST_SUITE_P(Cases, Printer, testing::ValuesIn(kCases));

TEST(PrettyPrinter, ShortStaysOnOneLine) {
  EXPECT_EQ(*FormatQuery("sum(rate(a[5m]))by(x)"), "sum by (x) (rate(a[5m]))");
}

TEST(PrettyPrinter, LongIsSplit) {
  EXPECT_EQ(
      *FormatQuery("sum by (job, instance) "
                   "(rate(http_requests_total_with_a_long_name{job=\"prometheus\",code=~\"5..\"}["
                   "5m])) / 2 > 0.5"),
      "    sum by (job, instance) (\n"
      "      rate(http_requests_total_with_a_long_name{code=~\"5..\",job=\"prometheus\"}[5m])\n"
      "    )\n"
      "  /\n"
      "    2\n"
      ">\n"
      "  0.5");
  EXPECT_EQ(*FormatQuery(
                "histogram_quantile(0.99999, "
                "some_very_long_metric_name_of_a_histogram_bucket{with=\"labels\", and=\"more\"})"),
            "histogram_quantile(\n"
            "  0.99999,\n"
            "  some_very_long_metric_name_of_a_histogram_bucket{and=\"more\",with=\"labels\"}\n"
            ")");
}

TEST(AstJson, Selector) {
  EXPECT_EQ(*ParseQueryJson("up{a=\"b\"} @ 1 offset 5m"),
            R"({"anchored":false,"matchers":[{"name":"a","type":"=","value":"b"},)"
            R"({"name":"__name__","type":"=","value":"up"}],"name":"up","offset":300000,)"
            R"("offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":1000,)"
            R"("type":"vectorSelector"})");
}

TEST(AstJson, Nested) {
  EXPECT_EQ(*ParseQueryJson("-sum(a) by (x) > bool 1"),
            R"({"bool":true,"lhs":{"expr":{"expr":{"anchored":false,"matchers":[{"name":)"
            R"("__name__","type":"=","value":"a"}],"name":"a","offset":0,"offsetExpr":null,)"
            R"("smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},)"
            R"("grouping":["x"],"op":"sum","param":null,"type":"aggregation","without":false},)"
            R"("op":"-","type":"unaryExpr"},"matching":null,"op":"\u003e","rhs":{"type":)"
            R"("numberLiteral","val":"1"},"type":"binaryExpr"})");
  EXPECT_EQ(*ParseQueryJson("time()"),
            R"({"args":[],"func":{"argTypes":[],"name":"time","returnType":"scalar",)"
            R"("variadic":0},"type":"call"})");
}

}  // namespace
}  // namespace tocsin::query
