#include "tools/tocsin/config_file.h"

#include <gtest/gtest.h>

#include <map>

namespace tocsin {
namespace {

// Files by path; a pattern's `*` stands for one file name.
class MapFiles final : public FileSystem {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> ReadFile(const std::string& path, size_t) const override {
    const auto it = files.find(path);
    if (it == files.end()) return NotFound("open " + path + ": no such file or directory");
    return it->second;
  }
  std::vector<std::string> Glob(const std::string& pattern) const override {
    std::vector<std::string> out;
    const size_t star = pattern.find('*');
    for (const auto& entry : files) {
      const std::string& path = entry.first;
      const bool matches = star == std::string::npos ? path == pattern
                                                     : path.starts_with(pattern.substr(0, star)) &&
                                                           path.ends_with(pattern.substr(star + 1));
      if (matches) out.push_back(path);
    }
    return out;
  }
};

std::string LoadError(const std::string& text) {
  MapFiles files;
  files.files["/etc/p.yml"] = text;
  const auto config = LoadSiteConfig({.config_file = "/etc/p.yml"}, files);
  return config.ok() ? "" : config.error().message();
}

constexpr char kRules[] = "groups: [{name: g, rules: [{record: a:b, expr: up}]}]\n";

TEST(ConfigFile, HandsEverySectionToItsOwner) {
  MapFiles files;
  files.files["/etc/p.yml"] =
      "global: {scrape_interval: 5s, external_labels: {site: a}}\n"
      "scrape_configs:\n- job_name: self\n  static_configs: [{targets: ['localhost:9090']}]\n"
      "rule_files: [rules/*.yml, missing.yml]\n"
      "scrape_config_files: [more/*.yml]\n"
      "tocsin: {retention: {5m: 90d, rules: [{match: '{job=\"a\"}', raw: 10d, 1h: 2y}, "
      "{match: [x, 'y{z=\"1\"}'], drop: true}]}}\n"
      "storage: {tsdb: {retention: {time: 30d, size: 1GB}, out_of_order_time_window: 1h}}\n"
      "runtime: {gogc: 50}\n"
      "alerting: {alert_relabel_configs: [{action: labeldrop, regex: replica}]}\n";
  files.files["/etc/rules/a.yml"] = kRules;
  files.files["/etc/more/x.yml"] =
      "scrape_configs:\n- job_name: other\n  static_configs: [{targets: ['b:1']}]\n";
  const auto config = LoadSiteConfig({.config_file = "/etc/p.yml"}, files);
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->main.global.scrape_interval.count(), 5000);
  ASSERT_EQ(config->main.scrape_configs.size(), 2u);
  EXPECT_EQ(config->main.scrape_configs[1].job_name, "other");
  EXPECT_EQ(config->main.scrape_configs[1].scrape_interval.count(), 5000);
  ASSERT_EQ(config->rule_groups.size(), 1u);
  EXPECT_EQ(config->rule_groups[0].file, "/etc/rules/a.yml");
  EXPECT_EQ(config->main.storage.retention_time->count(), 30LL * 24 * 3600 * 1000);
  EXPECT_EQ(*config->main.storage.retention_size, 1u << 30);
  const storage::RetentionRules& retention = config->main.tocsin.retention;
  EXPECT_EQ(retention.five_minutes->count(), 90LL * 24 * 3600 * 1000);
  EXPECT_FALSE(retention.one_hour.has_value());
  ASSERT_EQ(retention.rules.size(), 2u);
  EXPECT_EQ(retention.rules[0].raw->count(), 10LL * 24 * 3600 * 1000);
  EXPECT_FALSE(retention.rules[0].five_minutes.has_value());
  EXPECT_EQ(retention.rules[1].selectors.size(), 2u);
  EXPECT_EQ(retention.rules[1].one_hour->count(), 0);
  EXPECT_EQ(config->main.alerting.alert_relabel_configs.size(), 1u);
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_EQ(config->warnings[0], "rule file /etc/missing.yml does not exist");
}

TEST(ConfigFile, AnEmptyFileIsValid) {
  MapFiles files;
  files.files["/etc/p.yml"] = "";
  EXPECT_TRUE(LoadSiteConfig({.config_file = "/etc/p.yml"}, files).ok());
}

TEST(ConfigFile, NoFileAtAllIsTheRouter) { EXPECT_TRUE(LoadSiteConfig({}, MapFiles()).ok()); }

TEST(ConfigFile, SectionsNotBuiltAreNamed) {
  MapFiles files;
  files.files["/etc/p.yml"] =
      "remote_write: [{url: 'http://x/write'}]\ntracing: {endpoint: x}\n"
      "alerting: {alertmanagers: [{static_configs: [{targets: ['am:9093']}]}]}\n"
      "storage: {exemplars: {max_exemplars: 5}}\n";
  const auto config = LoadSiteConfig({.config_file = "/etc/p.yml"}, files);
  ASSERT_TRUE(config.ok()) << config.error().message();
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_NE(config->warnings[0].find("tracing"), std::string::npos) << config->warnings[0];
  EXPECT_EQ(config->main.storage.max_exemplars, 5u);
  EXPECT_EQ(config->main.remote_write.size(), 1u);
  ASSERT_EQ(config->main.alerting.alertmanagers.size(), 1u);
  EXPECT_EQ(config->main.alerting.alertmanagers[0].discovery.static_configs.size(), 1u);
}

TEST(ConfigFile, ErrorsNameThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"global: {scrape_intervall: 5s}\n", "/etc/p.yml:1:10: field scrape_intervall not found"},
      {"scrape_confgs: []\n",
       "/etc/p.yml:1:1: field scrape_confgs not found in type config.plain (did you mean "
       "scrape_configs?)"},
      {"global: {}\nglobal: {}\n", "/etc/p.yml:2:1: key \"global\" already set in map"},
      {"rule_files: ['a*/b.yml']\n", "invalid rule file path \"a*/b.yml\""},
      {"storage: {tsdb: {retention: {tiem: 1d}}}\n", "field tiem not found"},
      {"tocsin: {retention: {rules: [{raw: 1d}]}}\n", "needs match"},
      {"tocsin: {retention: {rules: [{match: 'a b', raw: 1d}]}}\n", "parse error"},
      {"tocsin: {retention: {rules: [{match: a, raw: 1d, drop: true}]}}\n",
       "not kept for any time"},
      {"tocsin: {retention: {10m: 1d}}\n", "field 10m not found"},
      {"alerting: {alertmanagers: [{api_version: v1}]}\n",
       "expected Alertmanager api version to be one of [v2] but got v1"},
      {"scrape_configs: [{job_name: a}, {job_name: a}]\n",
       "found multiple scrape configs with job name \"a\""},
      {"a: [\n", "/etc/p.yml:"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_NE(LoadError(text).find(message), std::string::npos)
        << text << " gave " << LoadError(text);
}

TEST(ConfigFile, JobNamesAreUniqueOverFiles) {
  MapFiles files;
  files.files["/etc/p.yml"] = "scrape_configs: [{job_name: a}]\nscrape_config_files: [more.yml]\n";
  files.files["/etc/more.yml"] = "scrape_configs: [{job_name: a}]\n";
  const auto config = LoadSiteConfig({.config_file = "/etc/p.yml"}, files);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().message(),
            "/etc/more.yml: found multiple scrape configs with job name \"a\", first found in "
            "/etc/p.yml");
}

TEST(ConfigFile, ABrokenRuleFileFailsTheWhole) {
  MapFiles files;
  files.files["/etc/p.yml"] = "rule_files: [r.yml]\n";
  files.files["/etc/r.yml"] = "groups: [{name: g, rules: [{record: a:b, expr: 'up +'}]}]\n";
  EXPECT_FALSE(LoadSiteConfig({.config_file = "/etc/p.yml"}, files).ok());
}

std::string Shown(const std::string& text) {
  MapFiles files;
  files.files["/etc/p.yml"] = text;
  const auto config = LoadSiteConfig({.config_file = "/etc/p.yml"}, files);
  EXPECT_TRUE(config.ok()) << config.error().message();
  if (!config.ok()) return "";
  // What is shown loads, and shows itself the same.
  files.files["/etc/shown.yml"] = config->main.shown;
  const auto again = LoadSiteConfig({.config_file = "/etc/shown.yml"}, files);
  EXPECT_TRUE(again.ok()) << again.error().message() << "\n" << config->main.shown;
  if (again.ok()) {
    EXPECT_EQ(again->main.shown, config->main.shown);
  }
  return config->main.shown;
}

constexpr char kShownJobHead[] =
    "  honor_timestamps: true\n"
    "  track_timestamps_staleness: false\n";
constexpr char kShownJobMiddle[] =
    "  scrape_protocols:\n"
    "  - OpenMetricsText1.0.0\n"
    "  - OpenMetricsText0.0.1\n"
    "  - PrometheusText1.0.0\n"
    "  - PrometheusText0.0.4\n"
    "  scrape_native_histograms: false\n"
    "  always_scrape_classic_histograms: false\n"
    "  convert_classic_histograms_to_nhcb: false\n"
    "  metrics_path: /metrics\n"
    "  scheme: http\n"
    "  enable_compression: true\n";
constexpr char kShownJobSchemes[] =
    "  metric_name_validation_scheme: utf8\n"
    "  metric_name_escaping_scheme: allow-utf-8\n"
    "  extra_scrape_metrics: false\n";

TEST(ConfigFile, ShowsAnEmptyFileWithItsDefaults) {
  EXPECT_EQ(Shown(""),
            "global:\n  scrape_interval: 1m\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n"
            "  metric_name_validation_scheme: utf8\n  metric_name_escaping_scheme: allow-utf-8\n"
            "  scrape_native_histograms: false\n");
}

TEST(ConfigFile, ShowsWhatIsInEffect) {
  const std::string shown = Shown(
      "# a comment\nscrape_configs:\n"
      "- job_name: 'a: b'\n  static_configs:\n  - targets: [x:1, 'y:2']\n    labels: {b: '1', a: "
      "x}\n"
      "  relabel_configs: [{source_labels: [a, b], target_label: c}]\n"
      "  metric_relabel_configs: [{action: drop, regex: 'true', source_labels: [z]}]\n"
      "rule_files: [r*.yml]\n"
      "global: {scrape_interval: 5s, sample_limit: 7, body_size_limit: 1536KB}\n");
  EXPECT_EQ(shown, std::string("global:\n"
                               "  scrape_interval: 5s\n"
                               "  scrape_timeout: 5s\n"
                               "  evaluation_interval: 1m\n"
                               "  body_size_limit: 1MiB512KiB\n"
                               "  sample_limit: 7\n"
                               "  metric_name_validation_scheme: utf8\n"
                               "  scrape_native_histograms: false\n"
                               "rule_files:\n"
                               "- /etc/r*.yml\n"
                               "scrape_configs:\n"
                               "- job_name: 'a: b'\n") +
                       kShownJobHead + "  scrape_interval: 5s\n  scrape_timeout: 5s\n" +
                       kShownJobMiddle + "  body_size_limit: 1MiB512KiB\n  sample_limit: 7\n" +
                       kShownJobSchemes +
                       "  follow_redirects: true\n"
                       "  enable_http2: true\n"
                       "  relabel_configs:\n"
                       "  - source_labels: [a, b]\n"
                       "    separator: ;\n"
                       "    regex: (.*)\n"
                       "    target_label: c\n"
                       "    replacement: $1\n"
                       "    action: replace\n"
                       "  metric_relabel_configs:\n"
                       "  - source_labels: [z]\n"
                       "    separator: ;\n"
                       "    regex: \"true\"\n"
                       "    replacement: $1\n"
                       "    action: drop\n"
                       "  static_configs:\n"
                       "  - targets:\n"
                       "    - x:1\n"
                       "    - y:2\n"
                       "    labels:\n"
                       "      a: x\n"
                       "      b: \"1\"\n");
}

TEST(ConfigFile, ShowsEverySection) {
  const std::string shown = Shown(
      "global: {}\nruntime: {gogc: 50}\nalerting: {alertmanagers: [{}]}\nrule_files: [a*.yml]\n"
      "scrape_config_files: [b*.yml]\nscrape_configs: [{job_name: a}]\n"
      "storage: {tsdb: {retention: {time: 3d}}}\ntracing: {endpoint: e}\n"
      "remote_write: [{url: 'http://h/'}]\nremote_read: [{url: 'http://h/'}]\n"
      "otlp: {translation_strategy: NoTranslation}\n"
      "tocsin: {retention: {rules: [{match: '{job=\"a\"}', drop: true}]}}\n");
  for (const char* key : {"global:", "runtime:", "alerting:", "rule_files:", "scrape_config_files:",
                          "scrape_configs:", "storage:", "tracing:", "remote_write:",
                          "remote_read:", "otlp:", "tocsin:"})
    EXPECT_NE(("\n" + shown).find(std::string("\n") + key), std::string::npos) << key << shown;
}

TEST(ConfigFile, HidesSecretsByTheirPlaceNotByTheirName) {
  const std::string shown = Shown(
      "global: {external_labels: {key: kept1, token: kept2}}\n"
      "scrape_configs:\n"
      "- job_name: a\n"
      "  params: {token: [kept3], password: [kept4]}\n"
      "  basic_auth: {username: kept5, password: hidden}\n"
      "  proxy_url: http://kept6:hidden@proxy:1/\n"
      "  proxy_connect_header: {Proxy-X: [hidden]}\n"
      "  http_headers: {X-Key: {values: [kept7], secrets: [hidden]}}\n"
      "  tls_config: {cert: kept8, key: hidden}\n"
      "  static_configs: [{targets: [x:1], labels: {key: kept9, secret: kept10}}]\n"
      "  http_sd_configs: [{url: 'http://u:hidden@h/', authorization: {credentials: hidden}}]\n"
      "  consul_sd_configs: [{server: kept11, token: hidden}]\n"
      "- job_name: b\n"
      "  bearer_token: hidden\n"
      "remote_write:\n"
      "- url: http://u:hidden@h/write\n"
      "  headers: {X-Key: hidden}\n");
  EXPECT_EQ(shown.find("hidden"), std::string::npos) << shown;
  for (int i = 1; i <= 11; ++i)
    EXPECT_NE(shown.find("kept" + std::to_string(i)), std::string::npos) << i << "\n" << shown;
  for (const char* line :
       {"    password: <secret>\n", "  proxy_url: http://kept6:<secret>@proxy:1/\n",
        "    Proxy-X:\n    - <secret>\n", "      secrets:\n      - <secret>\n",
        "    key: <secret>\n", "    url: http://u:<secret>@h/\n", "    token: <secret>\n",
        "  authorization:\n    type: Bearer\n    credentials: <secret>\n",
        "- url: http://u:<secret>@h/write\n", "    X-Key: <secret>\n"})
    EXPECT_NE(shown.find(line), std::string::npos) << line << "\n" << shown;
}

TEST(ConfigFile, ExpandsTheEnvironmentInExternalLabels) {
  ::setenv("TOCSIN_TEST_SITE", "hall 7", 1);
  ::unsetenv("TOCSIN_TEST_NONE");
  MapFiles files;
  files.files["/etc/p.yml"] =
      "global: {external_labels: {a: 'x${TOCSIN_TEST_SITE}y', b: '$TOCSIN_TEST_SITE', c: 'a$$b$', "
      "d: '-$TOCSIN_TEST_NONE-', e: '${}${x'}}\n"
      "scrape_configs: [{job_name: '$TOCSIN_TEST_SITE'}]\n";
  const auto config = LoadSiteConfig({.config_file = "/etc/p.yml"}, files);
  ASSERT_TRUE(config.ok()) << config.error().message();
  const Labels& labels = config->main.global.external_labels;
  EXPECT_EQ(labels.Get("a"), "xhall 7y");
  EXPECT_EQ(labels.Get("b"), "hall 7");
  EXPECT_EQ(labels.Get("c"), "a$b$");
  EXPECT_EQ(labels.Get("d"), "--");
  EXPECT_EQ(labels.Get("e"), "x");
  EXPECT_EQ(config->main.scrape_configs[0].job_name, "$TOCSIN_TEST_SITE");
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_NE(config->warnings[0].find("TOCSIN_TEST_NONE"), std::string::npos);
}

}  // namespace
}  // namespace tocsin
