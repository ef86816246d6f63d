#include "storage/base/json.h"
#include "tools/tocsin/commands/command.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"
#include "tools/tocsin/commands/metrics_lint.h"

namespace tocsin::commands {
namespace {

struct Output {
  int code = 0;
  std::string out, err;
};

Output Call(std::string_view program, const std::vector<std::string>& args) {
  Output output;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  output.code = Run(program, args);
  output.out = ::testing::internal::GetCapturedStdout();
  output.err = ::testing::internal::GetCapturedStderr();
  return output;
}

struct CommandsTest : ::testing::Test {
  testing::TempDir dir;
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = dir.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
};

constexpr char kRules[] =
    "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n  - record: a:c\n    expr: up\n";

TEST_F(CommandsTest, CheckConfigAsPromtool) {
  const std::string rules = Write("rules.yml", kRules);
  const std::string config = Write("p.yml", "rule_files: [rules.yml]\n");
  const Output output = Call("promtool", {"check", "config", config});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.out, "Checking " + config + "\n  SUCCESS: 1 rule files found\n SUCCESS: " +
                            config + " is valid prometheus config file syntax\n\nChecking " +
                            rules + "\n  SUCCESS: 2 rules found\n\n");
}

TEST_F(CommandsTest, CheckConfigFails) {
  const std::string typo = Write("p.yml", "globla: {}\n");
  const Output output = Call("tocsin", {"check", "config", typo});
  EXPECT_EQ(output.code, 1);
  EXPECT_NE(output.err.find("  FAILED: parsing YAML file " + typo), std::string::npos);
  const std::string missing = Write("m.yml", "rule_files: [nope.yml]\n");
  EXPECT_EQ(Call("tocsin", {"check", "config", missing}).code, 1);
  EXPECT_EQ(Call("tocsin", {"check", "config", "--syntax-only", missing}).code, 0);
  EXPECT_EQ(Call("tocsin", {"check", "config", dir.path() + "/absent.yml"}).code, 1);
  EXPECT_EQ(Call("tocsin", {"check", "config", "--lint=odd", missing}).code, 1);
}

TEST_F(CommandsTest, CheckRulesLintsDuplicates) {
  const std::string twice = Write("d.yml",
                                  "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n  "
                                  "- record: a:b\n    expr: up\n");
  const Output output = Call("tocsin", {"check", "rules", twice});
  EXPECT_EQ(output.code, 0);
  EXPECT_NE(output.err.find("1 duplicate rule(s) found."), std::string::npos);
  EXPECT_EQ(Call("tocsin", {"check", "rules", "--lint-fatal", twice}).code, 3);
  EXPECT_EQ(Call("tocsin", {"check", "rules", "--lint=none", twice}).code, 0);
  const std::string broken =
      Write("b.yml", "groups: [{name: g, rules: [{record: 'a', expr: ')'}]}]");
  const Output failed = Call("tocsin", {"check", "rules", broken});
  EXPECT_EQ(failed.code, 1);
  EXPECT_NE(failed.err.find("  FAILED:\n"), std::string::npos);
}

TEST_F(CommandsTest, CheckAlertmanagerAsAmtool) {
  const std::string good =
      Write("am.yml",
            "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: "
            "'http://127.0.0.1:9/'}]}]\n");
  const Output output = Call("/usr/bin/amtool", {"check-config", good});
  EXPECT_EQ(output.code, 0) << output.out;
  EXPECT_NE(output.out.find("Checking '" + good + "'  SUCCESS\nFound:\n"), std::string::npos);
  EXPECT_NE(output.out.find(" - 0 inhibit rules\n - 1 receivers\n - 0 templates\n"),
            std::string::npos);
  const std::string bad = Write("bad.yml", "route: {receiver: nobody}\nreceivers: []\n");
  const Output failed = Call("tocsin", {"check", "alertmanager", bad});
  EXPECT_EQ(failed.code, 1);
  EXPECT_NE(failed.out.find("FAILED: "), std::string::npos);
}

TEST(Commands, UnknownOnesAreNamed) {
  EXPECT_TRUE(IsCommand("tocsin", {"check"}));
  EXPECT_FALSE(IsCommand("tocsin", {"--config.file=x"}));
  EXPECT_FALSE(IsCommand("tocsin", {}));
  EXPECT_TRUE(IsCommand("/usr/bin/promtool", {}));
  const Output output = Call("tocsin", {"check", "confg"});
  EXPECT_EQ(output.code, 1);
  EXPECT_NE(output.err.find("did you mean \"check config\"?"), std::string::npos);
}

TEST(Commands, HelpNamesThem) {
  const Output all = Call("tocsin", {"help"});
  EXPECT_EQ(all.code, 0);
  EXPECT_NE(all.out.find("\n  test rules FILE...\n"), std::string::npos);
  EXPECT_NE(all.out.find("\n  silence add [NAME] MATCHER...\n"), std::string::npos);
  const Output one = Call("promtool", {"test", "rules", "--help"});
  EXPECT_EQ(one.code, 0);
  EXPECT_NE(one.out.find("--junit=FILE"), std::string::npos);
  EXPECT_EQ(Call("amtool", {}).code, 0);
  EXPECT_NE(Call("amtool", {"--help"}).out.find("\n  config routes test "), std::string::npos);
  // A tool knows only its own verbs.
  EXPECT_EQ(Call("amtool", {"check", "config"}).code, 1);
  EXPECT_EQ(Call("promtool", {"silence"}).code, 1);
}

TEST(Commands, BadUseEndsWithOne) {
  const auto error = [](std::string_view program, const std::vector<std::string>& args) {
    const Output output = Call(program, args);
    EXPECT_EQ(output.code, 1);
    return output.err;
  };
  EXPECT_EQ(error("promtool", {"--nope"}),
            "promtool: error: unknown long flag '--nope', try --help\n");
  EXPECT_EQ(error("promtool", {"check", "config", "--nope", "x"}),
            "promtool: error: unknown long flag '--nope', try --help\n");
  EXPECT_EQ(error("promtool", {"check", "config"}),
            "promtool: error: required argument 'config-files' not provided, try --help\n");
  EXPECT_EQ(error("promtool", {"check"}),
            "promtool: error: must select a subcommand of 'check', try --help\n");
  EXPECT_EQ(error("promtool", {"query", "series", "http://x"}),
            "promtool: error: required flag --match not provided, try --help\n");
  EXPECT_EQ(error("promtool", {"query", "instant", "http://x"}),
            "promtool: error: required argument 'expr' not provided, try --help\n");
  EXPECT_EQ(error("amtool", {"silence", "add", "foo"}),
            "amtool: error: comment required by config\n");
  EXPECT_EQ(error("amtool", {"silence", "expire"}), "amtool: error: no silence IDs specified\n");
  EXPECT_NE(error("promtool", {"check", "config", "--agent", "x"}).find("--agent: agent mode"),
            std::string::npos);
}

TEST_F(CommandsTest, RoutesOfAFile) {
  const std::string file =
      Write("am.yml",
            "route:\n  receiver: default\n  routes:\n"
            "  - matchers: [team=\"db\"]\n    receiver: db\n    continue: true\n"
            "    routes: [{matchers: [severity=~\"page|crit\"], receiver: pager}]\n"
            "  - {match: {team: web}, receiver: web}\n"
            "receivers: [{name: default}, {name: db}, {name: pager}, {name: web}]\n");
  const Output shown = Call("amtool", {"config", "routes", "--config.file=" + file});
  EXPECT_EQ(shown.out,
            "Routing tree:\n.\n└── default-route  receiver: default\n"
            "    ├── {team=\"db\"}  continue: true  receiver: db\n"
            "    │\u00a0\u00a0 └── {severity=~\"page|crit\"}  receiver: pager\n"
            "    └── {team=\"web\"}  receiver: web\n\n");
  const Output tested = Call("amtool", {"config", "routes", "test", "--config.file", file, "--tree",
                                        "team=db", "severity=page"});
  EXPECT_EQ(tested.code, 0);
  EXPECT_EQ(tested.out,
            "Matching routes:\n.\n└── default-route\n    └── {team=\"db\"}\n"
            "        └── {severity=~\"page|crit\"}  receiver: pager\n\n\npager\n");
  EXPECT_EQ(Call("tocsin", {"route", "test", "--config.file", file, "--verify.receivers=db",
                            "team=db", "severity=page"})
                .code,
            1);
  EXPECT_EQ(Call("tocsin", {"route", "test", "--config.file", file, "--verify.receivers=pager",
                            "team=db", "severity=page"})
                .code,
            0);
  EXPECT_EQ(Call("amtool", {"config", "routes", "test", "--config.file", file, "foo"}).err,
            "amtool: error: Failed to parse labels: bad matcher format: foo\n");
}

TEST_F(CommandsTest, TemplateRender) {
  const std::string file =
      Write("t.tmpl", "{{ define \"x\" }}{{ .Status }} {{ .ExternalURL }}{{ end }}");
  EXPECT_EQ(Call("amtool", {"template", "render", "--template.glob", file, "--template.text",
                            "{{ template \"x\" . }}"})
                .out,
            "firing https://example.com");
  // As it is given: common labels are not computed.
  const std::string data =
      Write("d.json",
            "{\"status\":\"resolved\",\"commonLabels\":{\"a\":\"<b>\"},"
            "\"alerts\":[{\"status\":\"resolved\",\"labels\":{\"a\":\"c\"}}]}");
  EXPECT_EQ(Call("amtool", {"template", "render", "--template.glob", file, "--template.type=html",
                            "--template.data", data, "--template.text",
                            "{{ .Status }} {{ .CommonLabels.a }}"})
                .out,
            "resolved &lt;b&gt;");
  const Output bad = Call(
      "amtool", {"template", "render", "--template.glob", file, "--template.text", "{{ nope }}"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_EQ(bad.err, "amtool: error: template: :1: function \"nope\" not defined\n");
}

TEST_F(CommandsTest, Promql) {
  EXPECT_EQ(Call("promtool", {"promql", "format", "sum( up{a='b'} )"}).out, "sum(up{a=\"b\"})\n");
  EXPECT_EQ(Call("promtool", {"promql", "label-matchers", "set", "--type==~", "up / foo{a='b'}[5m]",
                              "a", "x.*"})
                .code,
            1);
  EXPECT_EQ(Call("tocsin", {"promql", "label-matchers", "set", "-t", "=~",
                            "up / rate(foo{a='b'}[5m])", "a", "x.*"})
                .out,
            "up{a=~\"x.*\"} / rate(foo{a=~\"x.*\"}[5m])\n");
  EXPECT_EQ(Call("tocsin", {"promql", "label-matchers", "delete", "foo{a='b',c='d'}", "a"}).out,
            "foo{c=\"d\"}\n");
  const auto absent = Call("promtool", {"tsdb", "list"});
  EXPECT_EQ(absent.code, 1);
  EXPECT_TRUE(absent.err.starts_with("promtool: error: \"tsdb list\" is not available: "))
      << absent.err;
}

TEST_F(CommandsTest, ServiceDiscovery) {
  Write("targets.json", "[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"__meta_rack\":\"7\"}}]");
  const std::string file =
      Write("sd.yml",
            "scrape_configs:\n- job_name: j\n  file_sd_configs: [{files: [targets.json]}]\n"
            "  relabel_configs:\n  - {source_labels: [__address__], regex: 'b.*', action: drop}\n"
            "  - {source_labels: [__meta_rack], target_label: rack}\n");
  const auto found = Call("promtool", {"check", "service-discovery", file, "j"});
  EXPECT_EQ(found.code, 0) << found.err;
  const auto json = ParseJson(found.out);
  ASSERT_TRUE(json.ok()) << found.out;
  ASSERT_EQ(json->AsArray()->size(), 2u);
  const JsonValue& first = json->AsArray()->at(0);
  EXPECT_EQ(*first.Find("discoveredLabels")->Find("__meta_rack")->AsString(), "7");
  EXPECT_EQ(first.Find("labels")->Find("__meta_rack"), nullptr);
  EXPECT_EQ(*first.Find("labels")->Find("rack")->AsString(), "7");
  EXPECT_EQ(*first.Find("labels")->Find("instance")->AsString(), "a:1");
  EXPECT_TRUE(json->AsArray()->at(1).Find("labels")->AsObject()->empty());  // dropped
  EXPECT_EQ(Call("promtool", {"check", "service-discovery", file, "k"}).err,
            "Job k does not exist. Select one of:\n\tj\n");
}

TEST_F(CommandsTest, WebConfig) {
  const auto check = [&](const std::string& text) {
    return Call("promtool", {"check", "web-config", Write("web.yml", text)});
  };
  EXPECT_EQ(check("").err, dir.path() + "/web.yml SUCCESS\n");
  EXPECT_EQ(check("nope: 1").code, 1);
  EXPECT_EQ(check("basic_auth_users: {a: short}").code, 1);
  EXPECT_EQ(check("basic_auth_users: {a: $2y$10$" + std::string(53, 'x') + "}").code, 0);
  EXPECT_EQ(check("tls_server_config: {cert_file: absent.pem, key_file: k.pem}").code, 1);
}

TEST_F(CommandsTest, TestRulesWritesJunit) {
  Write("r.yml", kRules);
  const std::string tests = Write(
      "t.yml",
      "rule_files: [r.yml]\ntests:\n"
      "- {name: good, promql_expr_test: [{expr: '1', eval_time: 0s, exp_samples: [{value: 1}]}]}\n"
      "- {name: 'b<d', promql_expr_test: [{expr: '1', eval_time: 0s, exp_samples: [{value: "
      "2}]}]}\n");
  const std::string junit = dir.path() + "/out.xml";
  EXPECT_EQ(Call("promtool", {"--junit", junit, "test", "rules", tests}).code, 1);
  std::ifstream in(junit);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(text.find("tests=\"2\" failures=\"1\" errors=\"0\""), std::string::npos) << text;
  EXPECT_NE(text.find("<testcase name=\"good\"></testcase>"), std::string::npos) << text;
  EXPECT_NE(text.find("<testcase name=\"b&lt;d\">"), std::string::npos) << text;
  EXPECT_EQ(Call("promtool", {"test", "rules", "--run", "go+d", tests}).code, 0);
}

TEST_F(CommandsTest, UnknownFieldsOfRulesMayBeIgnored) {
  const std::string rules =
      Write("r.yml", "groups:\n- name: g\n  odd: 1\n  rules: [{record: a, expr: up, odd: 2}]\n");
  EXPECT_EQ(Call("promtool", {"check", "rules", rules}).code, 1);
  EXPECT_EQ(Call("promtool", {"check", "rules", "--ignore-unknown-fields", rules}).code, 0);
  const std::string config = Write("p.yml", "rule_files: [r.yml]\n");
  EXPECT_EQ(Call("promtool", {"check", "config", config}).code, 1);
  EXPECT_EQ(Call("promtool", {"check", "config", "--ignore-unknown-fields", config}).code, 0);
}

TEST_F(CommandsTest, LongScrapeIntervals) {
  const std::string config =
      Write("p.yml", "scrape_configs: [{job_name: j, scrape_interval: 10m}]\n");
  EXPECT_EQ(Call("promtool", {"check", "config", "--lint=all", config}).code, 0);
  const Output fatal = Call("promtool", {"check", "config", "--lint=all", "--lint-fatal", config});
  EXPECT_EQ(fatal.code, 3);
  EXPECT_NE(fatal.err.find("Job: j. Interval: 10m"), std::string::npos);
  EXPECT_EQ(Call("promtool", {"check", "config", "--lint=too-long-scrape-interval", "--lint-fatal",
                              "--query.lookback-delta=1h", config})
                .code,
            0);
}

TEST(MetricsLint, SaysWhatPromlintSays) {
  const auto families = ReadMetricFamilies(
      "# HELP good_total A counter.\n# TYPE good_total counter\ngood_total 1\n"
      "# TYPE nohelp gauge\nnohelp{a=\"1\"} 1\nnohelp{a=\"2\"} 1\n"
      "# HELP bad_counter c\n# TYPE bad_counter counter\nbad_counter 1\n"
      "# HELP a_total g\n# TYPE a_total gauge\na_total{le=\"1\"} 1\n"
      "# HELP x_milliseconds x\n# TYPE x_milliseconds gauge\nx_milliseconds 3\n"
      "# HELP dis_abbr_s x\n# TYPE dis_abbr_s gauge\ndis_abbr_s 3\n"
      "# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"+Inf\"} 3\n"
      "h_seconds_sum 3\nh_seconds_count 3\n"
      "# HELP CamelCase x\n# TYPE CamelCase gauge\nCamelCase 3\n");
  ASSERT_TRUE(families.ok()) << families.error().message();
  EXPECT_EQ(families->at("nohelp").series, 2u);
  EXPECT_EQ(families->at("h_seconds").series, 3u);
  EXPECT_EQ(
      LintMetrics(*families),
      (std::vector<std::string>{
          "CamelCase metric names should be written in 'snake_case' not 'camelCase'",
          "a_total non-counter metrics should not have \"_total\" suffix",
          "a_total non-histogram metrics should not have \"le\" label",
          "bad_counter counter metrics should have \"_total\" suffix",
          "bad_counter metric name should not include type 'counter'",
          "dis_abbr_s metric names should not contain abbreviated units", "nohelp no help text",
          "x_milliseconds use base unit \"seconds\" instead of \"milliseconds\""}));
  EXPECT_FALSE(ReadMetricFamilies("x 1 2 3\n").ok());
}

}  // namespace
}  // namespace tocsin::commands
