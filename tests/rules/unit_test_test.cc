// Unit tests of rules: the notation of series, what passes, and how failures read. The texts of
// failures are those of promtool.
#include "rules/unit_test.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "query/histogram/text.h"
#include "rules/unit_test_file.h"
#include "storage/model/sample.h"

namespace tocsin::rules {
namespace {

class MapFiles final : public FileSystem {
 public:
  Result<std::string> ReadFile(const std::string& path, size_t) const override {
    const auto it = files.find(path);
    if (it == files.end()) return NotFound(path);
    return it->second;
  }
  std::vector<std::string> Glob(const std::string& pattern) const override {
    if (files.contains(pattern)) return {pattern};
    return {};
  }
  std::map<std::string, std::string> files;
};

std::string Show(std::string_view notation) {
  auto values = ParseSeriesValues(notation);
  if (!values.ok()) return values.error().message();
  std::string out;
  for (const auto& v : *values) {
    if (!out.empty()) out += ' ';
    if (!v) {
      out += '_';
    } else if (v->h) {
      out += query::HistogramText(*v->h);
    } else if (IsStale(v->v)) {
      out += "stale";
    } else {
      AppendApiFloat(out, v->v);
    }
  }
  return out;
}

TEST(SeriesNotation, Values) {
  EXPECT_EQ(Show("1 2.5 _ stale NaN -Inf 1e3"), "1 2.5 _ stale NaN -Inf 1000");
  EXPECT_EQ(Show("1+2x3"), "1 3 5 7");
  EXPECT_EQ(Show("1-2x2 -1-1x1 -1+1x2"), "1 -1 -3 -1 -2 -1 0 1");
  EXPECT_EQ(Show("5x2 _x3 1e1+1e1x1"), "5 5 5 _ _ _ 10 20");
  EXPECT_EQ(Show(" \n 1\n2 "), "1 2");
  EXPECT_EQ(Show("1 foo"), "unexpected \"foo\" in series values, expected number or \"stale\"");
  EXPECT_EQ(Show("1+x3"), "unexpected \"1+x3\" in series values, expected number or \"stale\"");
  EXPECT_EQ(Show("{{schema:1}}"), "{count:0, sum:0}");
  EXPECT_EQ(Show("{{schema:0 count:3 sum:4 buckets:[1 2]}}x1 1"),
            "{count:3, sum:4, (0.5,1]:1, (1,2]:2} {count:3, sum:4, (0.5,1]:1, (1,2]:2} 1");
  EXPECT_EQ(Show("{{count:1 sum:1 buckets:[1]}}+{{count:2 sum:3 buckets:[2] offset:0}}x2"),
            "{count:1, sum:1, (0.5,1]:1} {count:3, sum:4, (0.5,1]:3} {count:5, sum:7, (0.5,1]:5}");
  EXPECT_EQ(Show("{{nope:1}}"), "unknown key \"nope\" in a histogram");
  EXPECT_EQ(Show("{{count:x}}"), "bad value \"x\" of count in a histogram");
  EXPECT_EQ(Show("{{count:1"), "a histogram without its end }}");
  EXPECT_EQ(Show("{{count:1}}x99999999"), "too many repetitions");
  EXPECT_EQ(Show("1x999999999999"), "too many repetitions");
}

constexpr char kRules[] = R"(groups:
- name: g
  rules:
  - record: twice
    expr: x * 2
  - alert: A
    expr: twice > 2
    annotations: {v: "{{ $value }} in {{ $externalLabels.region }}"}
)";

std::vector<std::string> Failures(const Result<std::vector<UnitTestResult>>& ran) {
  if (!ran.ok()) return {"error: " + ran.error().message()};
  std::vector<std::string> out;
  for (const UnitTestResult& result : *ran) {
    out.insert(out.end(), result.failures.begin(), result.failures.end());
  }
  return out;
}

class UnitTestRun : public ::testing::Test {
 protected:
  UnitTestRun() { files_.files["dir/r.yml"] = kRules; }
  std::vector<std::string> Run(const std::string& tests, const UnitTestOptions& options = {}) {
    ConfigWarnings warnings;
    return Failures(
        RunUnitTests("rule_files: [r.yml]\n" + tests, "dir/t.yml", files_, options, warnings));
  }
  MapFiles files_;
};

TEST_F(UnitTestRun, Passes) {
  EXPECT_EQ(Run(R"(tests:
- interval: 1m
  external_labels: {region: eu}
  input_series:
  - {series: 'x{a="1"}', values: '1+1x5'}
  alert_rule_test:
  - {alertname: A, eval_time: 0m, exp_alerts: []}
  - alertname: A
    eval_time: 90s
    exp_alerts: [{exp_labels: {a: "1"}, exp_annotations: {v: "4 in eu"}}]
  promql_expr_test:
  - {expr: twice, eval_time: 5m, exp_samples: [{labels: 'twice{a="1"}', value: 12}]}
  - {expr: '1', eval_time: 5m, exp_samples: [{value: 1}]}
  - {expr: nothing, eval_time: 5m}
  - expr: ALERTS
    eval_time: 1m
    exp_samples: [{labels: 'ALERTS{alertname="A", alertstate="firing", a="1"}', value: 1}]
)"),
            std::vector<std::string>{});
}

TEST_F(UnitTestRun, FailuresReadAsPromtoolsDo) {
  const auto failures = Run(R"(tests:
- name: first
  interval: 1m
  input_series:
  - {series: 'x{a="1"}', values: '1+1x5'}
  alert_rule_test:
  - {alertname: A, eval_time: 2m, exp_alerts: [{exp_labels: {a: "2"}, exp_annotations: {v: "x"}}]}
  - {alertname: A, eval_time: 3m, exp_alerts: []}
  promql_expr_test:
  - {expr: 'x', eval_time: 2m, exp_samples: [{labels: 'x{a="1"}', value: 4}]}
  - {expr: 'x + ', eval_time: 2m, exp_samples: []}
  - {expr: 'x[5m]', eval_time: 2m, exp_samples: []}
  - {expr: 'nope', eval_time: 2m, exp_samples: [{value: 1}]}
)");
  ASSERT_EQ(failures.size(), 6u);
  EXPECT_EQ(failures[0], R"(    name: first,
    alertname: A, time: 2m, 
        exp:[
            0:
              Labels:{a="2", alertname="A"}
              Annotations:{v="x"}
            ], 
        got:[
            0:
              Labels:{a="1", alertname="A"}
              Annotations:{v="6 in "}
            ])");
  EXPECT_TRUE(failures[1].find("        exp:[], \n") != std::string::npos) << failures[1];
  EXPECT_EQ(failures[2], R"(    expr: "x", time: 2m,
        exp: {__name__="x", a="1"} 4E+00
        got: {__name__="x", a="1"} 3E+00)");
  EXPECT_EQ(failures[3],
            "    expr: \"x + \", time: 2m, err: 1:5: parse error: unexpected end of input");
  EXPECT_EQ(failures[4],
            "    expr: \"x[5m]\", time: 2m, err: rule result is not a vector or scalar");
  EXPECT_EQ(failures[5], "    expr: \"nope\", time: 2m,\n        exp: {} 1E+00\n        got: nil");
}

TEST_F(UnitTestRun, RuleErrorsEndTheTest) {
  files_.files["dir/r.yml"] =
      "groups:\n- name: g\n  rules:\n  - {alert: A, expr: x, labels: {a: same}}\n";
  const auto failures = Run(R"(tests:
- interval: 1m
  input_series:
  - {series: 'x{a="1"}', values: '_ 1'}
  - {series: 'x{a="2"}', values: '_ 1'}
  alert_rule_test: [{alertname: A, eval_time: 5m, exp_alerts: []}]
)");
  EXPECT_EQ(failures, std::vector<std::string>{
                          "    rule: A, time: 1m0s, err: vector contains metrics with the same "
                          "labelset after applying alert labels"});
}

TEST_F(UnitTestRun, BrokenFiles) {
  EXPECT_NE(
      Run("tests:\n- alert_rule_test: [{eval_time: 2m}]\n")[0].find(
          "an item under alert_rule_test misses required attribute alertname at eval_time 2m"),
      std::string::npos);
  EXPECT_NE(Run("foo: 1\n")[0].find("foo"), std::string::npos);
  EXPECT_NE(Run("group_eval_order: [a, a]\ntests: []\n")[0].find(
                "group name repeated in evaluation order: a"),
            std::string::npos);
  EXPECT_NE(Run("tests:\n- input_series: [{series: 'x{', values: '1'}]\n")[0].find("parse error"),
            std::string::npos);
}

constexpr char kOneUlp[] = R"(
tests:
- promql_expr_test:
  - expr: vector(0.1) + 0.2
    eval_time: 0s
    exp_samples: [{labels: '{}', value: 0.3}]
)";

TEST_F(UnitTestRun, LastDigitCountsWhenTheFileSaysSo) {
  EXPECT_EQ(Run(kOneUlp), std::vector<std::string>{});
  EXPECT_EQ(Run(std::string("fuzzy_compare: true") + kOneUlp), std::vector<std::string>{});
  EXPECT_EQ(Run(std::string("fuzzy_compare: false") + kOneUlp).size(), 1u);
}

TEST_F(UnitTestRun, Histograms) {
  const std::string test = R"(
tests:
- interval: 1m
  input_series:
  - {series: h, values: '{{count:1 sum:1 buckets:[1]}}+{{count:1 sum:1 buckets:[1]}}x3'}
  promql_expr_test:
  - {expr: histogram_count(h), eval_time: 3m, exp_samples: [{labels: '{}', value: 4}]}
  - expr: h
    eval_time: 1m
    exp_samples: [{labels: h, histogram: '{{count:2 sum:2 buckets:[2]}}'}]
)";
  EXPECT_EQ(Run(test), std::vector<std::string>{});
  std::string wrong = test;
  wrong.replace(wrong.find("buckets:[2]"), 11, "buckets:[3]");
  EXPECT_EQ(Run(wrong),
            std::vector<std::string>{"    expr: \"h\", time: 1m,\n"
                                     "        exp: {__name__=\"h\"} {count:2, sum:2, (0.5,1]:3}\n"
                                     "        got: {__name__=\"h\"} {count:2, sum:2, (0.5,1]:2}"});
}

TEST_F(UnitTestRun, DiffDebugAndUnknownKeys) {
  const std::string test = R"(
tests:
- name: t
  odd: 1
  input_series: [{series: 'x', values: '1'}]
  promql_expr_test:
  - {expr: x, eval_time: 0s, exp_samples: [{labels: x, value: 2}], odd: 2}
)";
  EXPECT_NE(Run(test)[0].find("odd"), std::string::npos);
  UnitTestOptions options;
  options.ignore_unknown = options.diff = true;
  std::vector<std::string> lines;
  options.debug = [&](const std::string& line) { lines.push_back(line); };
  EXPECT_EQ(Run(test, options), std::vector<std::string>{"    expr: \"x\", time: 0s,\n"
                                                         "        diff (-exp +got):\n"
                                                         "        - {__name__=\"x\"} 2E+00\n"
                                                         "        + {__name__=\"x\"} 1E+00"});
  ASSERT_GE(lines.size(), 4u);
  EXPECT_EQ(lines[0], "test \"t\": 2 rules every 1m until 0s");
  EXPECT_EQ(lines[1], "record at 0s: twice");
}

// Tests of real rule files lie beside the source tree on some machines; promtool's verdict on them
// is known.
TEST(SeedTests, HaveTheVerdictOfPromtool) {
  const std::filesystem::path seeds = "../../shared/seeds/tests";
  if (!std::filesystem::exists(seeds)) GTEST_SKIP() << "no seeds beside the source tree";
  const auto run = [&](const char* name) {
    const std::string path = seeds / name;
    std::ifstream in(path);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    ConfigWarnings warnings;
    return Failures(RunUnitTests(text, path, RealFileSystem(), {}, warnings));
  };
  // One quantile differs in the last digit from Prometheus 2, whose windows held both their ends:
  // a file that does not ask for more is content with that.
  EXPECT_EQ(run("seeds_test.yml"), std::vector<std::string>{});
  EXPECT_EQ(run("severity_collision_test.yml"),
            std::vector<std::string>{"    rule: SafetyViolationRate, time: 15s, err: vector "
                                     "contains metrics with the same labelset after applying "
                                     "alert labels"});
}

}  // namespace
}  // namespace tocsin::rules
