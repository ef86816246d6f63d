// An alertmanager.yml: loaded, shown, loaded again, and its routes walked.
#include "alerting/config.h"
#include "alerting/config_types.h"
#include "alerting/route.h"
#include "storage/base/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

// One template file, whatever the name.
class OneFile final : public FileSystem {
 public:
  Result<std::string> ReadFile(const std::string& path, size_t /*max_bytes*/) const override {
    if (path.ends_with(".tmpl")) return std::string("{{ define \"mine\" }}{{ .Status }}{{ end }}");
    return NotFound("no such file: " + path);
  }
  std::vector<std::string> Glob(const std::string& pattern) const override {
    if (pattern.ends_with(".tmpl")) return {pattern};
    return {};
  }
};

}  // namespace

void RunOne(std::string_view input) {
  static const OneFile files;
  ConfigWarnings warnings;
  const auto config = alerting::ParseAlertmanagerConfig(input, "am.yml", files, warnings);
  if (!config.ok()) return;
  const std::string shown = alerting::ShowConfig(**config);
  warnings.clear();
  const auto again = alerting::ParseAlertmanagerConfig(shown, "am.yml", files, warnings);
  TOCSIN_CHECK(again.ok(), "what the API shows loads again");
  const alerting::RouteTree routes((*config)->route);
  for (const Labels& labels : {Labels{}, Labels{{"alertname", "A"}, {"severity", "page"}}}) {
    const auto matched = routes.Match(labels);
    TOCSIN_CHECK(!matched.empty(), "every alert has a route");
    for (const alerting::Route* route : matched) {
      (void)alerting::GroupKey(*route, route->GroupLabels(labels));
    }
  }
  for (const auto& [name, interval] : (*config)->time_intervals) {
    for (const int64_t ms : {int64_t{0}, int64_t{1'700'000'000'000}, int64_t{-1}}) {
      (void)interval.Contains(Timestamp{ms});
    }
  }
}

std::vector<std::string> Seeds() {
  return {
      "route: {receiver: a}\nreceivers: [{name: a}]\n",
      "global: {resolve_timeout: 5m, smtp_smarthost: 'm:25', smtp_from: a@b, slack_api_url: "
      "'http://s'}\nroute:\n  receiver: a\n  group_by: [alertname, x]\n  group_wait: 1s\n  "
      "routes:\n  - {matchers: ['severity=~\"page|x\"', 'a!=b'], receiver: b, continue: true}\n  "
      "- {match_re: {alertname: A.*}, group_by: ['...'], repeat_interval: 1d}\nreceivers:\n- name: "
      "a\n  webhook_configs: [{url: 'http://h/{{ .Status }}', max_alerts: 3, payload: {k: '{{ .X "
      "}}', n: [1, true]}}]\n- name: b\n  slack_configs:\n  - {channel: '#c', title: 't', fields: "
      "[{title: a, value: b, short: true}], actions: [{type: button, text: x, url: 'http://u'}]}\n "
      " email_configs: [{to: 'a@b, c@d', headers: {x-site: s}, threading: {enabled: true}}]\n",
      "route:\n  receiver: a\n  routes:\n  - {receiver: a, mute_time_intervals: [w], "
      "active_time_intervals: [v]}\nreceivers: [{name: a, pagerduty_configs: [{routing_key: k, "
      "details: {a: {b: c}}, images: [{src: s}], links: [{href: h}]}]}]\ntime_intervals:\n- name: "
      "w\n  time_intervals: [{times: [{start_time: '08:00', end_time: '24:00'}], weekdays: "
      "['monday:friday'], days_of_month: ['1:5', '-3:-1'], months: ['1:march'], years: "
      "['2020:2030'], location: Europe/Berlin}]\n- {name: v, time_intervals: []}\ntemplates: "
      "['t/*.tmpl']\n",
      "route: {receiver: a, labels: {team: '{{ .Status }}'}}\nreceivers: [{name: a, "
      "opsgenie_configs: "
      "[{api_key: k}]}, {name: b}]\ninhibit_rules: [{source_matchers: [a=b], target_match: {c: d}, "
      "target_match_re: {e: f.*}, equal: [x, y]}]\n",
  };
}

}  // namespace tocsin::fuzz
