// The template language against recorded behaviour: testdata/templates.jsonl holds pairs of a
// template and what promtool 2.42 (Go 1.19) makes of it as an annotation; then what is newer, the
// bounds, and sets of definitions.
#include "alerting/template/template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "alerting/template/parser.h"
#include "storage/base/json.h"

namespace tocsin::alerting {
namespace {

constexpr std::string_view kPrelude =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

Result<std::vector<TemplateSample>> FakeQuery(std::string_view expression) {
  if (expression == "1 +") {
    return InvalidArgument("1:4: parse error: unexpected end of input");
  }
  if (expression == "nope") return std::vector<TemplateSample>{};
  std::vector<TemplateSample> all = {{{{"__name__", "metric"}, {"instance", "a"}}, 11},
                                     {{{"__name__", "metric"}, {"instance", "b"}}, 21}};
  if (expression != "metric") all.resize(1);
  return all;
}

TemplateValue AlertData() {
  return MakeTemplateStruct(
      "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; "
      "Value float64 }",
      {{"Labels",
        TemplateValue(TemplateStringMap{{"__name__", "x"}, {"instance", "i1"}, {"job", "j"}})},
       {"ExternalLabels", TemplateValue(TemplateStringMap{{"region", "eu"}})},
       {"ExternalURL", TemplateValue("http://p.local:9090/pre")},
       {"Value", TemplateValue(123.5)}});
}

FunctionTable Functions() {
  return PrometheusFunctions("http://p.local:9090/pre", Timestamp{120'000}, FakeQuery);
}

std::string Expand(std::string_view text) {
  const FunctionTable functions = Functions();
  auto parsed = Template::Parse("A", std::string(kPrelude) + std::string(text), functions);
  if (!parsed.ok()) return "parse error: " + parsed.error().message();
  auto result = parsed->Expand(AlertData(), functions);
  return result.ok() ? *result : "error: " + result.error().message();
}

TEST(Template, DoesWhatGoDoes) {
  std::ifstream file("alerting/testdata/templates.jsonl");
  ASSERT_TRUE(file.good());
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    auto pair = ParseJson(line);
    ASSERT_TRUE(pair.ok()) << line;
    const auto& items = *pair->AsArray();
    EXPECT_EQ(Expand(*items[0].AsString()), *items[1].AsString()) << *items[0].AsString();
  }
  EXPECT_GT(lines, 100);
}

TEST(Template, KnowsWhatCameAfterGo119) {
  EXPECT_EQ(Expand("{{ range 3 }}{{ . }}{{ end }}"), "012");
  EXPECT_EQ(Expand("{{ range $i := 2 }}{{ $i }},{{ end }}"), "0,1,");
  EXPECT_EQ(Expand("{{ with 0 }}a{{ else with 5 }}{{ . }}{{ end }}"), "5");
  EXPECT_EQ(Expand("{{ now }}"), "120");
  EXPECT_EQ(Expand("{{ externalURL }} {{ pathPrefix }}"), "http://p.local:9090/pre /pre");
  EXPECT_EQ(Expand("{{ toDuration 90.5 }} {{ (toDuration 90).Minutes }}"), "1m30.5s 1.5");
  EXPECT_EQ(Expand("{{ urlQueryEscape \"a b&c\" }}"), "a+b%26c");
  EXPECT_EQ(Expand("{{ if or true (index $labels 1) }}short{{ end }}"), "short");
}

TEST(Template, MissingValues) {
  EXPECT_EQ(Expand("{{ (args 1).nope }}"), "<no value>");
  EXPECT_EQ(Expand("{{ len nil }}"),
            "error: template: A:1:115: executing \"A\" at <len nil>: error calling len: len of nil "
            "pointer");
  EXPECT_EQ(Expand("{{ (args 1).nope.more }}"),
            "error: template: A:1:121: executing \"A\" at <1>: nil pointer "
            "evaluating interface {}.more");
}

TEST(Template, CountsLinesAndColumns) {
  const FunctionTable functions = Functions();
  auto parsed = Template::Parse("f", "a\nb {{ .X }}\n{{ .Y.Z }}", functions);
  ASSERT_TRUE(parsed.ok());
  auto result = parsed->Expand(MakeTemplateStruct("T", {{"X", TemplateValue("x")}}), functions);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message(),
            "template: f:3:5: executing \"f\" at <.Y.Z>: can't evaluate field Y in type T");
  EXPECT_EQ(CheckTemplate("f", "\n\n{{ if }}", functions).error().message(),
            "template: f:3: missing value for if");
  EXPECT_EQ(CheckTemplate("f", "{{ if true\n\n \"x", functions).error().message(),
            "template: f:3: unterminated quoted string in action started at f:1");
}

TEST(TemplateSet, LaterDefinitionsReplaceEarlierOnes) {
  const FunctionTable functions = AlertmanagerFunctions();
  TemplateSet set;
  ASSERT_TRUE(
      set.Parse("a.tmpl", R"({{ define "t" }}one{{ end }}{{ define "u" }}u{{ end }})", functions)
          .ok());
  ASSERT_TRUE(
      set.Parse("b.tmpl", R"({{ define "t" }}two{{ template "u" . }}{{ end }})", functions).ok());
  EXPECT_FALSE(set.Parse("c.tmpl", "{{ end }}", functions).ok());
  auto out = set.Expand("", R"(<{{ template "t" . }}>)", TemplateValue(), functions);
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ(*out, "<twou>");
  // A config string may define for itself without touching the set.
  out = set.Expand("", R"({{ define "u" }}mine{{ end }}{{ template "t" . }})", TemplateValue(),
                   functions);
  EXPECT_EQ(out.value_or("failed"), "twomine");
  out = set.Expand("", R"({{ template "t" . }})", TemplateValue(), functions);
  EXPECT_EQ(out.value_or("failed"), "twou");
  EXPECT_EQ(set.Expand("", "", TemplateValue(), functions).value_or("failed"), "");
}

TEST(TemplateSet, DefinedTwiceInOneText) {
  const FunctionTable functions;
  TemplateSet set;
  EXPECT_EQ(set.Parse("f", R"({{define "x"}}a{{end}}{{define "x"}}b{{end}})", functions)
                .error()
                .message(),
            "template: f:1: multiple definition of template \"x\"");
  EXPECT_TRUE(set.Parse("f", R"({{define "x"}}a{{end}}{{define "x"}} {{end}})", functions).ok());
  EXPECT_EQ(set.Expand("", R"({{template "x"}})", TemplateValue(), functions).value_or("failed"),
            "a");
}

// What a hostile or broken template may cost.
TEST(TemplateBounds, StopsWhatRunsAway) {
  const FunctionTable functions = AlertmanagerFunctions();
  const TemplateSet set;
  const auto message = [&](std::string_view text) {
    auto out = set.Expand("t", text, TemplateValue(), functions);
    return out.ok() ? "ran" : out.error().message();
  };
  EXPECT_NE(message("{{ range 100000000 }}{{ end }}").find("too many steps"), std::string::npos);
  EXPECT_NE(message(R"({{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }})")
                .find("exceeded maximum template depth"),
            std::string::npos);
  EXPECT_NE(
      message(R"({{ $x := "xxxxxxxxxxxxxxxx" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }})")
          .find("too long"),
      std::string::npos);
  EXPECT_NE(message(R"({{ $x := list 1 }}{{ range 1000 }}{{ $x = list $x $x }}{{ end }}{{ $x }})")
                .find("nested too deeply"),
            std::string::npos);
  EXPECT_NE(message(R"({{ range 100 }}{{ printf "%1000000d" 1 }}{{ end }})").find("too long"),
            std::string::npos);
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += "{{ if true }}";
  EXPECT_NE(message(nested).find("nested too deeply"), std::string::npos);
  EXPECT_NE(message("{{ " + std::string(100'000, '(') + " }}").find("nested too deeply"),
            std::string::npos);
}

// Every prefix of a text with all constructs parses or fails; none crashes.
TEST(TemplateBounds, SurvivesTornTexts) {
  const std::string text =
      "a {{- /* c */ -}} {{ $x := 0x1f | printf \"%d\\t\" }}{{ range $i, $e := list 1 'a' `r` }}"
      "{{ if and $i (gt $i 1) }}{{ break }}{{ else if not true }}{{ continue }}{{ else }}{{ $e }}"
      "{{ end }}{{ end }}{{ block \"b\" . }}{{ with $y := .A.B }}{{ $y.C 1.5e3 }}{{ end }}{{ end "
      "}}";
  const FunctionTable functions = AlertmanagerFunctions();
  for (size_t n = 0; n <= text.size(); ++n) {
    (void)CheckTemplate("t", text.substr(0, n), functions);
    (void)CheckTemplate("t", text.substr(n), functions);
  }
  EXPECT_TRUE(CheckTemplate("t", text, functions).ok())
      << CheckTemplate("t", text, functions).error().message();
}

}  // namespace
}  // namespace tocsin::alerting
