#include "storage/model/relabel.h"

#include <gtest/gtest.h>

#include "storage/config/relabel_config.h"

namespace tocsin {
namespace {

// The rules as people write them, applied to `input`; "dropped" or the resulting set.
std::string Apply(const std::string& yaml, const Labels& input) {
  const auto node = ParseYaml(yaml, "test.yml");
  EXPECT_TRUE(node.ok()) << node.error().message();
  const auto rules = ParseRelabelConfigs(*node);
  if (!rules.ok()) return rules.error().message();
  LabelsBuilder labels(input);
  return Relabel(*rules, labels) ? labels.Build().ToSetString() : "dropped";
}

const Labels kInput{{"__address__", "web.example:80"}, {"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

TEST(Relabel, Replace) {
  EXPECT_EQ(
      Apply("[{source_labels: [a], regex: 'f(.*)', target_label: d, replacement: 'ch${1}-ch${1}'}]",
            Labels{{"a", "foo"}}),
      R"({a="foo", d="choo-choo"})");
  EXPECT_EQ(Apply("[{source_labels: [a, b], separator: '-', target_label: d}]",
                  Labels{{"a", "x"}, {"b", "y"}}),
            R"({a="x", b="y", d="x-y"})");
  // No match: nothing. Empty result: deleted. Invalid target: nothing.
  EXPECT_EQ(Apply("[{source_labels: [a], regex: z, target_label: a}]", Labels{{"a", "x"}}),
            R"({a="x"})");
  EXPECT_EQ(Apply("[{source_labels: [a], target_label: a, replacement: ''}]", Labels{{"a", "x"}}),
            "{}");
  EXPECT_EQ(
      Apply("[{source_labels: [a], regex: '(y)?x', target_label: '${1}'}]", Labels{{"a", "x"}}),
      R"({a="x"})");
  EXPECT_EQ(Apply("[{target_label: zone, replacement: north}]", Labels()), R"({zone="north"})");
  EXPECT_EQ(Apply("[{source_labels: [__address__], regex: '([^:]+):.*', target_label: instance}]",
                  Labels{{"__address__", "web:80"}}),
            R"({__address__="web:80", instance="web"})");
}

TEST(Relabel, KeepAndDrop) {
  EXPECT_EQ(Apply("[{source_labels: [a], regex: foo, action: drop}]", kInput), "dropped");
  EXPECT_EQ(Apply("[{source_labels: [a], regex: fo, action: keep}]", kInput), "dropped");
  EXPECT_EQ(Apply("[{source_labels: [a], regex: fo, action: DROP}]", Labels{{"a", "foo"}}),
            R"({a="foo"})");
  EXPECT_EQ(Apply("[{source_labels: [a], regex: foo, action: keep}]", Labels{{"a", "foo"}}),
            R"({a="foo"})");
  EXPECT_EQ(Apply("[{source_labels: [a], target_label: b, action: keepequal}]", kInput), "dropped");
  EXPECT_EQ(Apply("[{source_labels: [a], target_label: b, action: dropequal}]",
                  Labels{{"a", "1"}, {"b", "1"}}),
            "dropped");
}

TEST(Relabel, HashMod) {
  // As Prometheus' documentation of the algorithm: last eight bytes of the MD5, big-endian.
  EXPECT_EQ(Apply("[{source_labels: [c], target_label: d, action: hashmod, modulus: 1000}]",
                  Labels{{"c", "baz"}}),
            R"({c="baz", d="976"})");
}

TEST(Relabel, LabelActions) {
  EXPECT_EQ(Apply("[{action: labelmap, regex: '(b.*)', replacement: 'bar_${1}'}]",
                  Labels{{"a", "1"}, {"b1", "2"}, {"b2", "3"}}),
            R"({a="1", b1="2", b2="3", bar_b1="2", bar_b2="3"})");
  EXPECT_EQ(Apply("[{action: labeldrop, regex: 'b.*'}]", Labels{{"a", "1"}, {"b1", "2"}}),
            R"({a="1"})");
  EXPECT_EQ(Apply("[{action: labelkeep, regex: 'b.*'}]", Labels{{"a", "1"}, {"b1", "2"}}),
            R"({b1="2"})");
}

TEST(Relabel, ChangesCaseBeyondAscii) {
  EXPECT_EQ(Apply("[{action: lowercase, source_labels: [a], target_label: a}]",
                  Labels{{"a", "\u00c4\u0416\u03a9X1"}}),
            "{a=\"\u00e4\u0436\u03c9x1\"}");
  EXPECT_EQ(Apply("[{action: uppercase, source_labels: [a], target_label: a}]",
                  Labels{{"a", "\u00e4\u0436\u03c9x1\u00df"}}),
            "{a=\"\u00c4\u0416\u03a9X1\u00df\"}");
}

TEST(Relabel, RulesSeeWhatEarlierOnesDid) {
  EXPECT_EQ(Apply("[{source_labels: [a], target_label: __tmp_x}, {source_labels: [__tmp_x], "
                  "regex: foo, action: drop}]",
                  kInput),
            "dropped");
}

TEST(RelabelConfig, BadRulesHavePrometheusWords) {
  const std::pair<const char*, const char*> cases[] = {
      {"[{action: nope}]", "unknown relabel action \"nope\""},
      {"[{action: replace}]",
       "relabel configuration for replace action requires 'target_label' value"},
      {"[{action: hashmod, target_label: a}]",
       "relabel configuration for hashmod requires non-zero modulus"},
      {"[{action: lowercase, target_label: a, replacement: x}]",
       "'replacement' can not be set for lowercase action"},
      {"[{action: labeldrop, regex: a, source_labels: [b]}]",
       "labeldrop action requires only 'regex', and no other fields"},
      {"[{action: keepequal, source_labels: [a], target_label: b, regex: x}]",
       "keepequal action requires only 'source_labels' and `target_label`, and no other fields"},
      {"[{regex: '(', target_label: a}]", "error parsing regexp: missing closing ): `^(?s:()$`"},
      {"[null]", "empty or null relabeling rule"},
      {"[{target_lable: a}]",
       "field target_lable not found in type relabel.plain (did you mean target_label?)"},
  };
  for (const auto& [yaml, message] : cases)
    EXPECT_NE(Apply(yaml, Labels()).find(message), std::string::npos)
        << yaml << " gave " << Apply(yaml, Labels());
}

TEST(RelabelConfig, UnquotedWordsAreText) {
  EXPECT_EQ(Apply("[{source_labels: [a], regex: true, action: keep}]", Labels{{"a", "true"}}),
            R"({a="true"})");
}

}  // namespace
}  // namespace tocsin
