// Rule files, and files of unit tests for them.
#include "rules/rule_file.h"
#include "rules/rule_order.h"
#include "rules/unit_test_file.h"
#include "storage/base/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {

void RunOne(std::string_view input) {
  ConfigWarnings warnings;
  for (const bool ignore_unknown : {false, true}) {
    const auto groups = rules::ParseRuleFile(input, "r.yml", {}, warnings, ignore_unknown);
    if (!groups.ok()) continue;
    for (const rules::GroupConfig& group : *groups) {
      TOCSIN_CHECK(rules::RulesThatWait(group).size() == group.rules.size(), "one answer a rule");
    }
  }
  (void)rules::ParseUnitTestFile(input, "t.yml", false, warnings).ok();
  (void)rules::ParseSeriesValues(input.substr(0, input.find('\n'))).ok();
}

std::vector<std::string> Seeds() {
  return {
      "groups:\n- name: g\n  interval: 1m\n  query_offset: 10s\n  limit: 5\n  labels: {a: b}\n  "
      "rules:\n  - {record: 'a:b', expr: sum(up), labels: {x: y}}\n  - {alert: A, expr: 'up == 0', "
      "for: 5m, keep_firing_for: 1h, labels: {s: '{{ $labels.job }}'}, annotations: {d: '{{ $value "
      "| humanize }}'}}\n",
      "groups: [{name: a, rules: [{record: r, expr: ALERTS}, {alert: B, expr: r > 1}]}, {name: b}]",
      "rule_files: [a.yml]\nevaluation_interval: 1m\ngroup_eval_order: [g]\ntests:\n- interval: "
      "15s\n  start_timestamp: 2024-01-01T00:00:00Z\n  input_series: [{series: 'up{a=\"b\"}', "
      "values: '0+1x10 _x3 stale'}]\n  alert_rule_test: [{eval_time: 5m, alertname: A, exp_alerts: "
      "[{exp_labels: {a: b}}]}]\n  promql_expr_test: [{expr: up, eval_time: 1m, exp_samples: "
      "[{labels: 'up', value: 1}]}]\n",
      "1 2.5e3 _ stale NaN -Inf 1+2x3 5-1x2 _x4 7x2",
      "{{schema:0 sum:5 count:4 buckets:[1 2] n_buckets:[1] z_bucket:1}}x3 "
      "{{count:1}}+{{count:2}}x4",
  };
}

}  // namespace tocsin::fuzz
