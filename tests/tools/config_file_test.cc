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
  EXPECT_EQ(config->warnings.size(), 2u);
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

TEST(ConfigFile, ShowsTheTextWithoutSecrets) {
  MapFiles files;
  files.files["/etc/p.yml"] =
      "# a comment\nglobal: {scrape_interval: 5s, external_labels: {}}\nscrape_configs:\n"
      "- job_name: 'a: b'\n  basic_auth: {username: u, password: hunter2}\n"
      "  proxy_url: http://me:hunter2@proxy:1/\n"
      "  static_configs:\n  - targets: [x:1, 'y:2']\n";
  const auto config = LoadSiteConfig({.config_file = "/etc/p.yml"}, files);
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->main.shown,
            "global:\n  scrape_interval: 5s\n  external_labels: {}\nscrape_configs:\n"
            "- job_name: \"a: b\"\n  basic_auth:\n    username: u\n    password: <secret>\n"
            "  proxy_url: \"http://me:<secret>@proxy:1/\"\n  static_configs:\n"
            "  - targets:\n    - x:1\n    - \"y:2\"\n");
  files.files["/etc/shown.yml"] = config->main.shown;
  EXPECT_TRUE(LoadSiteConfig({.config_file = "/etc/shown.yml"}, files).ok());
}

}  // namespace
}  // namespace tocsin
