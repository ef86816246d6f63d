// alertmanager.yml: what is refused and with which words, what loads, how it is shown.
#include "alerting/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "alerting/config_types.h"
#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

Result<ConfigPtr> Parse(const std::string& text, ConfigWarnings* warnings = nullptr,
                        const FileSystem* files = nullptr) {
  static const MapFiles kNone;
  ConfigWarnings ignored;
  return ParseAlertmanagerConfig(text, "am.yml", files ? *files : kNone,
                                 warnings ? *warnings : ignored);
}

const std::string kReceivers = "receivers:\n- name: a\n";

struct Bad {
  const char* what;
  std::string text;
  std::string error;
};

TEST(AlertmanagerConfig, RefusesWithFileLineAndReason) {
  const std::string head = "route: {receiver: a}\n" + kReceivers;
  const Bad table[] = {
      {"empty", "", "am.yml: no route provided in config"},
      {"no route", kReceivers, "am.yml:1:1: no route provided in config"},
      {"a list", "- name: a\n",
       "am.yml:1:1: a list where the configuration is expected: put receivers under `receivers:` "
       "and add a `route:`"},
      {"no root receiver", "route: {group_by: [a]}\n" + kReceivers,
       "am.yml:1:8: root route must specify a default receiver"},
      {"undefined receiver", "route: {receiver: b}\n" + kReceivers,
       "am.yml:1:19: undefined receiver \"b\" used in route"},
      {"undefined in a child",
       "route:\n  receiver: a\n  routes:\n  - receiver: zz\n    matchers: [x=1]\n" + kReceivers,
       "am.yml:4:15: undefined receiver \"zz\" used in route"},
      {"continue at the root", "route: {receiver: a, continue: true}\n" + kReceivers,
       "am.yml:1:8: cannot have continue in root route"},
      {"matchers at the root", "route: {receiver: a, matchers: ['x=1']}\n" + kReceivers,
       "am.yml:1:8: root route must not have any matchers"},
      {"mute at the root",
       "route: {receiver: a, mute_time_intervals: [w]}\ntime_intervals: [{name: w}]\n" + kReceivers,
       "am.yml:1:8: root route must not have any mute time intervals"},
      {"active at the root",
       "route: {receiver: a, active_time_intervals: [w]}\ntime_intervals: [{name: w}]\n" +
           kReceivers,
       "am.yml:1:8: root route must not have any active time intervals"},
      {"duplicate receiver", "route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n",
       "am.yml:2:24: notification config name \"a\" is not unique"},
      {"nameless receiver", "route: {receiver: a}\nreceivers: [{name: a}, {}]\n",
       "am.yml:2:24: missing name in receiver"},
      {"group_by twice", "route: {receiver: a, group_by: [x, x]}\n" + kReceivers,
       "am.yml:1:32: duplicated label \"x\" in group_by list"},
      {"dots and more", "route: {receiver: a, group_by: ['...', x]}\n" + kReceivers,
       "am.yml:1:32: cannot have wildcard group_by (`...`) and other labels at the same time"},
      {"zero group_interval", "route: {receiver: a, group_interval: 0s}\n" + kReceivers,
       "am.yml:1:38: group_interval cannot be zero"},
      {"zero repeat_interval", "route: {receiver: a, repeat_interval: 0s}\n" + kReceivers,
       "am.yml:1:39: repeat_interval cannot be zero"},
      {"undefined interval",
       "route: {receiver: a, routes: [{mute_time_intervals: [w]}]}\n" + kReceivers,
       "am.yml:1:31: undefined time interval \"w\" used in route"},
      {"interval twice", head + "time_intervals: [{name: w}, {name: w}]\n",
       "am.yml:4:29: time interval \"w\" is not unique"},
      {"interval in both lists",
       head + "time_intervals: [{name: w}]\nmute_time_intervals: [{name: w}]\n",
       "am.yml:5:23: time interval \"w\" is not unique"},
      {"bad weekday",
       head + "time_intervals: [{name: w, time_intervals: [{weekdays: [someday]}]}]\n",
       "am.yml:4:57: someday is not a valid weekday"},
      {"weekdays backwards",
       head + "time_intervals: [{name: w, time_intervals: [{weekdays: ['friday:monday']}]}]\n",
       "am.yml:4:57: friday:monday: start of the range is after its end"},
      {"time backwards",
       head + "time_intervals: [{name: w, time_intervals: [{times: [{start_time: '22:00', "
              "end_time: '06:00'}]}]}]\n",
       "am.yml:4:54: start time cannot be equal or greater than end time"},
      {"time of 25h",
       head + "time_intervals: [{name: w, time_intervals: [{times: [{start_time: '22:00', "
              "end_time: '25:00'}]}]}]\n",
       "am.yml:4:54: couldn't parse timestamp 25:00, invalid format"},
      {"day 0", head + "time_intervals: [{name: w, time_intervals: [{days_of_month: ['0']}]}]\n",
       "am.yml:4:62: 0 is not a valid day of the month: out of range"},
      {"day -3:4",
       head + "time_intervals: [{name: w, time_intervals: [{days_of_month: ['-3:4']}]}]\n",
       "am.yml:4:62: -3:4: end day must be negative if start day is negative"},
      {"unknown zone",
       head + "time_intervals: [{name: w, time_intervals: [{location: Mars/Olympus}]}]\n",
       "am.yml:4:56: unknown time zone Mars/Olympus (is the package tzdata installed?)"},
      {"webhook without url",
       "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{send_resolved: true}]}]\n",
       "am.yml:2:41: one of url or url_file must be configured"},
      {"two urls",
       "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://x', url_file: "
       "f}]}]\n",
       "am.yml:2:47: at most one of url & url_file must be configured"},
      {"url without a host",
       "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://'}]}]\n",
       "am.yml:2:47: missing host for URL"},
      {"placeholder",
       "route: {receiver: a}\nreceivers: [{name: a, slack_configs: [{api_url: "
       "YOUR_SLACK_WEBHOOK}]}]\n",
       "am.yml:2:49: unsupported scheme \"\" for URL: want http:// or https://"},
      {"slack without url", "route: {receiver: a}\nreceivers: [{name: a, slack_configs: [{}]}]\n",
       "am.yml:2:39: no Slack API URL nor App token set either inline or in a file"},
      {"pagerduty without key",
       "route: {receiver: a}\nreceivers: [{name: a, pagerduty_configs: [{description: x}]}]\n",
       "am.yml:2:43: missing service or routing key in PagerDuty config"},
      {"email without smarthost",
       "route: {receiver: a}\nreceivers: [{name: a, email_configs: [{to: x@y.z, from: a@b.c}]}]\n",
       "am.yml:2:39: no global SMTP smarthost set"},
      {"email without to",
       "global: {smtp_smarthost: 'h:25', smtp_from: a@b.c}\nroute: {receiver: a}\nreceivers: "
       "[{name: a, email_configs: [{html: x}]}]\n",
       "am.yml:3:39: missing to address in email config"},
      {"email header twice",
       "global: {smtp_smarthost: 'h:25', smtp_from: a@b.c}\nroute: {receiver: a}\nreceivers: "
       "[{name: a, email_configs: [{to: x@y.z, headers: {subject: a, Subject: b}}]}]\n",
       "am.yml:3:60: duplicate header \"Subject\" in email config"},
      {"smarthost without a port", "global: {smtp_smarthost: mail}\n" + head,
       "am.yml:1:26: address mail: want host:port, port is missing"},
      {"receiver kind not built",
       "route: {receiver: a}\nreceivers: [{name: a, opsgenie_configs: [{api_key: k}]}]\n",
       "receiver \"a\", which a route uses: am.yml:2:42: opsgenie_configs are not available in "
       "this "
       "version of tocsin"},
      {"inhibit label", head + "inhibit_rules: [{source_match: {'a-b': c}}]\n",
       "am.yml:4:32: invalid label name \"a-b\" in source_match"},
  };
  for (const Bad& bad : table) {
    const auto config = Parse(bad.text);
    ASSERT_FALSE(config.ok()) << bad.what;
    EXPECT_EQ(config.error().message(), bad.error) << bad.what;
  }
}

TEST(AlertmanagerConfig, RefusesUnknownAndRepeatedKeysAndTwoAuthentications) {
  const std::string texts[] = {
      "route: {receiver: a, nokey: 1}\n" + kReceivers,
      "route: {receiver: a}\nnokey: 1\n" + kReceivers,
      "route: {receiver: a, receiver: a}\n" + kReceivers,
      "route: {receiver: a, routes: [{matchers: ['x=~\"(\"']}]}\n" + kReceivers,
      "global: {nokey: 1}\nroute: {receiver: a}\n" + kReceivers,
      "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://x', "
      "http_config: "
      "{basic_auth: {username: u}, authorization: {credentials: t}}}]}]\n",
      "global: {slack_api_url: 'http://x', slack_app_token: t}\nroute: {receiver: a}\n" +
          kReceivers};
  for (const std::string& text : texts) {
    const auto config = Parse(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_TRUE(config.error().message().starts_with("am.yml:")) << config.error().message();
  }
}

TEST(AlertmanagerConfig, ReceiverKindNotBuiltAndNotUsedIsAWarning) {
  ConfigWarnings warnings;
  const auto config = Parse(
      "route: {receiver: a}\nreceivers: [{name: a}, {name: b, sns_configs: [{topic_arn: x}]}]\n",
      &warnings);
  ASSERT_TRUE(config.ok());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], "am.yml:2:48: sns_configs are not available in this version of tocsin");
}

TEST(AlertmanagerConfig, RepeatBelowIntervalIsAWarning) {
  ConfigWarnings warnings;
  ASSERT_TRUE(Parse("route: {receiver: a, repeat_interval: 1m}\n" + kReceivers, &warnings).ok());
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(AlertmanagerConfig, TextThatIsNoTemplateIsAWarning) {
  ConfigWarnings warnings;
  const auto config = Parse(
      "route: {receiver: a}\nreceivers: [{name: a, slack_configs: [{api_url: 'http://x', title: "
      "'{{ "
      ".Status', text: '{{ .Status }}'}]}]\n",
      &warnings);
  ASSERT_TRUE(config.ok()) << config.error().message();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(warnings[0].starts_with("am.yml:2:")) << warnings[0];
}

TEST(AlertmanagerConfig, TemplateFilesAreReadFromTheConfigsFolder) {
  MapFiles files;
  files.files["conf/t/a.tmpl"] = "{{ define \"x\" }}A{{ end }}";
  ConfigWarnings warnings;
  const std::string text = "route: {receiver: a}\ntemplates: ['t/*.tmpl', 'none/*']\n" + kReceivers;
  const auto config = ParseAlertmanagerConfig(text, "conf/am.yml", files, warnings);
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ((*config)->template_files, 1u);
  EXPECT_EQ(Summarize(**config).templates, 2u);

  files.files["conf/t/b.tmpl"] = "{{ define \"x\" }}";
  const auto bad = ParseAlertmanagerConfig(text, "conf/am.yml", files, warnings);
  ASSERT_FALSE(bad.ok());
  EXPECT_TRUE(bad.error().message().starts_with("conf/t/b.tmpl: ")) << bad.error().message();
}

const std::string kRich = R"(global:
  slack_api_url: http://s.local/secretpath
  smtp_smarthost: 'h:25'
  smtp_from: a@b.c
  smtp_auth_password: "top: secret"
  smtp_tls_config: {cert: shown, key: secretpath}
  http_config:
    proxy_url: http://p.local:3128
    proxy_connect_header: {Proxy-Authorization: [Basic secretpath]}
route:
  receiver: root
  group_by: [alertname]
  routes:
  - matchers: [ severity="critical", 'team=~"a|b"' ]
    receiver: all
    continue: true
    mute_time_intervals: [w]
receivers:
- name: root
- name: all
  slack_configs:
  -
  - {channel: '#x', fields: [{title: "multi\nline", value: 'it''s'}]}
  webhook_configs:
  - url: http://user:pw@w.local/secretpath?x=secretpath
    http_config: {basic_auth: {username: u, password: secretpath}}
  pagerduty_configs:
  - {service_key: secretpath, details: {password: 'shown'}}
  email_configs:
  - {to: x@y.z}
- name: unused
  sns_configs:
  - {topic_arn: 'arn:x', sigv4: {region: r, access_key: k, secret_key: secretpath}}
time_intervals:
- name: w
  time_intervals:
  - {weekdays: ['monday:friday'], times: [{start_time: '08:00', end_time: '18:00'}]}
)";

TEST(AlertmanagerConfig, ShownWithoutSecretsAndLoadsAgain) {
  const auto config = Parse(kRich);
  ASSERT_TRUE(config.ok()) << config.error().message();
  const std::string shown = ShowConfig(**config);
  EXPECT_EQ(shown.find("secretpath"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("top: secret"), std::string::npos) << shown;
  EXPECT_NE(shown.find("receiver: root"), std::string::npos);
  EXPECT_NE(shown.find("resolve_timeout: 5m"), std::string::npos);
  EXPECT_NE(shown.find("url: http://w.local/<secret>"), std::string::npos) << shown;
  EXPECT_NE(shown.find("shown"), std::string::npos);
  const auto again = Parse(shown);
  ASSERT_TRUE(again.ok()) << again.error().message() << "\n" << shown;
  EXPECT_EQ(ShowConfig(**again), shown);
  EXPECT_EQ((*again)->receivers[1].integrations.size(), 5u);
}

TEST(AlertmanagerConfig, Seeds) {
  const std::filesystem::path seeds = "../../shared/seeds/alertmanager";
  std::error_code error;
  if (!std::filesystem::exists(seeds, error)) GTEST_SKIP() << "no seeds beside the source tree";
  for (const auto& entry : std::filesystem::directory_iterator(seeds)) {
    if (entry.path().extension() != ".yml") continue;
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const bool reject = entry.path().string().find(".reject.") != std::string::npos;
    const auto config = Parse(text);
    EXPECT_EQ(config.ok(), !reject) << entry.path();
  }
}

}  // namespace
}  // namespace tocsin::alerting
