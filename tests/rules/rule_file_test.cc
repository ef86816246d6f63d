// Rule files: what is accepted, and the text of each refusal.
#include "rules/rule_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace tocsin::rules {
namespace {

Result<std::vector<GroupConfig>> Parse(std::string_view text) {
  ConfigWarnings warnings;
  return ParseRuleFile(text, "r.yml", {}, warnings);
}

struct Bad {
  const char* name;
  const char* text;
  const char* error;
};

class BadFiles : public ::testing::TestWithParam<Bad> {};

TEST_P(BadFiles, AreRefusedWithTheReason) {
  auto result = Parse(GetParam().text);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message(), GetParam().error);
}

constexpr char kWrap[] =
    "\n  (a rule file is `groups:` with a list of groups, each with `name:` and `rules:`; wrap "
    "this list in it)";

const std::string kBareError =
    std::string(
        "r.yml: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into "
        "rulefmt.RuleGroups") +
    kWrap;
const std::string kNameError = std::string(
                                   "r.yml: yaml: unmarshal errors:\n"
                                   "  line 1: field name not found in type rulefmt.RuleGroups\n"
                                   "  line 2: field rules not found in type rulefmt.RuleGroups") +
                               kWrap;

INSTANTIATE_TEST_SUITE_P(
    Texts, BadFiles,
    ::testing::Values(
        Bad{"NoGroupName", "groups:\n- rules: []\n", "r.yml: 2:3: Groupname must not be empty"},
        Bad{"RepeatedGroup", "groups:\n- name: a\n- name: a\n",
            "r.yml: 3:3: groupname: \"a\" is repeated in the same file"},
        Bad{"UnknownGroupKey", "groups:\n- name: a\n  foo: 1\n",
            "r.yml: yaml: unmarshal errors:\n  line 3: field foo not found in type "
            "rulefmt.RuleGroup"},
        Bad{"UnknownRuleKey",
            "groups:\n- name: a\n  rules:\n  - alert: x\n    expr: up\n    foo: 1\n",
            "r.yml: yaml: unmarshal errors:\n  line 6: field foo not found in type rulefmt.Rule"},
        Bad{"UnknownTopKey", "groups: []\nfoo: 1\n",
            "r.yml: yaml: unmarshal errors:\n  line 2: field foo not found in type "
            "rulefmt.RuleGroups"},
        Bad{"Both", "groups:\n- name: a\n  rules:\n  - alert: x\n    record: y\n    expr: up\n",
            "r.yml: 5:13: group \"a\", rule 1, \"y\": only one of 'record' and 'alert' must be "
            "set"},
        Bad{"Neither", "groups:\n- name: a\n  rules:\n  - expr: up\n",
            "r.yml: group \"a\", rule 1, \"\": one of 'record' or 'alert' must be set"},
        Bad{"NoExpr", "groups:\n- name: a\n  rules:\n  - alert: x\n",
            "r.yml: group \"a\", rule 1, \"x\": field 'expr' must be set in rule"},
        Bad{"BadExpr", "groups:\n- name: a\n  rules:\n  - alert: x\n    expr: 'up +'\n",
            "r.yml: 5:11: group \"a\", rule 1, \"x\": could not parse expression: 1:5: parse "
            "error: unexpected end of input"},
        Bad{"RecordingExtras",
            "groups:\n- name: a\n  rules:\n  - record: x\n    expr: up\n    annotations: {a: b}\n"
            "    for: 5m\n    keep_firing_for: 5m\n",
            "r.yml: 4:13: group \"a\", rule 1, \"x\": invalid field 'annotations' in recording "
            "rule\n"
            "r.yml: 4:13: group \"a\", rule 1, \"x\": invalid field 'for' in recording rule\n"
            "r.yml: 4:13: group \"a\", rule 1, \"x\": invalid field 'keep_firing_for' in recording "
            "rule"},
        Bad{"Braces", "groups:\n- name: a\n  rules:\n  - record: 'a{b=\"c\"}'\n    expr: up\n",
            "r.yml: 4:13: group \"a\", rule 1, \"a{b=\\\"c\\\"}\": braces present in the recording "
            "rule name; should it be in expr?: a{b=\"c\"}"},
        Bad{"LabelName",
            "groups:\n- name: a\n  rules:\n  - alert: x\n    expr: up\n    labels: {__name__: d}\n"
            "    annotations: {'': c}\n",
            "r.yml: 6:14: group \"a\", rule 1, \"x\": invalid label name: __name__\n"
            "r.yml: 7:19: group \"a\", rule 1, \"x\": invalid annotation name: "},
        Bad{"Templates",
            "groups:\n- name: a\n  rules:\n  - alert: x\n    expr: up\n"
            "    labels: {a: '{{ foo }}'}\n    annotations: {b: '{{ .a '}\n",
            "r.yml: 6:17: group \"a\", rule 1, \"x\": label \"a\": error parsing template "
            "__alert_x: "
            "template: __alert_x:1: function \"foo\" not defined\n"
            "r.yml: 7:22: group \"a\", rule 1, \"x\": annotation \"b\": error parsing template "
            "__alert_x: template: __alert_x:1: unclosed action"},
        Bad{"Durations",
            "groups:\n- name: a\n  interval: foo\n  rules:\n  - alert: x\n"
            "    expr: up\n    for: 5\n",
            "r.yml: 3:13: not a valid duration string: \"foo\"\n"
            "r.yml: 7:10: not a valid duration string: \"5\""},
        Bad{"LabelsNotAMap",
            "groups:\n- name: a\n  rules:\n  - alert: x\n    expr: up\n    labels: [a]\n",
            "r.yml: yaml: unmarshal errors:\n  line 6: cannot unmarshal !!seq into "
            "map[string]string"},
        Bad{"Limit", "groups:\n- name: a\n  limit: x\n",
            "r.yml: yaml: unmarshal errors:\n  line 3: cannot unmarshal !!str `x` into int"},
        Bad{"Bare", "- alert: x\n  expr: up\n", kBareError.c_str()},
        Bad{"BareGroup", "name: a\nrules: []\n", kNameError.c_str()}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(RuleFile, EveryErrorOfAFileIsNamed) {
  auto result = Parse(
      "groups:\n- name: a\n  rules:\n  - {alert: x, expr: 'up +'}\n  - {record: y, expr: "
      "'sum('}\n");
  ASSERT_FALSE(result.ok());
  const std::string& text = result.error().message();
  EXPECT_NE(text.find("rule 1, \"x\""), std::string::npos) << text;
  EXPECT_NE(text.find("rule 2, \"y\""), std::string::npos) << text;
}

TEST(RuleFile, ReadsEverything) {
  auto result = Parse(R"(groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 10
  labels: {team: a}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {n: 1}
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1d
    labels: {severity: page, empty: ''}
    annotations:
      summary: "{{ $labels.instance }} is down"
-
- name: h
)");
  ASSERT_TRUE(result.ok()) << result.error().message();
  ASSERT_EQ(result->size(), 2u);
  const GroupConfig& g = (*result)[0];
  EXPECT_EQ(g.name, "g");
  EXPECT_EQ(g.file, "r.yml");
  EXPECT_EQ(g.interval, Duration(30'000));
  EXPECT_EQ(g.query_offset, Duration(60'000));
  EXPECT_EQ(g.limit, 10);
  ASSERT_EQ(g.rules.size(), 2u);
  EXPECT_EQ(g.rules[0].record, "job:up:sum");
  EXPECT_EQ(g.rules[0].labels[0].second, "1");
  EXPECT_EQ(g.rules[1].keep_firing_for, Duration(86'400'000));
  EXPECT_EQ(g.rules[1].labels[1].second, "");
  EXPECT_EQ(g.rules[1].annotations[0].second, "{{ $labels.instance }} is down");
  EXPECT_FALSE((*result)[1].query_offset.has_value());
  EXPECT_TRUE(Parse("").ok());
  EXPECT_TRUE(Parse("groups:\n").ok());
}

TEST(RuleFile, FurtherDocumentsAreIgnoredWithAWarning) {
  ConfigWarnings warnings;
  auto result =
      ParseRuleFile("groups:\n- name: a\n---\ngroups:\n- name: b\n", "r.yml", {}, warnings);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->size(), 1u);
  EXPECT_FALSE(warnings.empty());
}

// Rule files of real sites lie beside the source tree on some machines.
TEST(RuleFile, TakesTheSeeds) {
  const std::filesystem::path seeds = "../../shared/seeds/prometheus/rules";
  if (!std::filesystem::exists(seeds)) GTEST_SKIP() << "no seeds beside the source tree";
  for (const auto& entry : std::filesystem::directory_iterator(seeds)) {
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    auto result = Parse(text.str());
    const bool reject = entry.path().string().find(".reject.") != std::string::npos;
    EXPECT_EQ(result.ok(), !reject)
        << entry.path() << ": " << (result.ok() ? "accepted" : result.error().message());
    if (reject && !result.ok()) {
      EXPECT_NE(result.error().message().find("groups:"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tocsin::rules
