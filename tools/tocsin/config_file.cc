#include "tools/tocsin/config_file.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "tools/tocsin/config_text.h"
#include "tools/tocsin/environment.h"

namespace tocsin {
namespace {

constexpr std::string_view kNotYet = "not available yet";

// A value of a key that is not written: where its errors would point.
YamlNode NullNode(const std::string& file) {
  YamlNode node;
  node.file = file;
  node.line = node.column = 1;
  return node;
}

// Only the last path segment may hold a wildcard.
bool IsValidPattern(const std::string& pattern) {
  const size_t star = pattern.find('*');
  return star == std::string::npos || pattern.find('/', star) == std::string::npos;
}

Result<std::vector<std::string>> ReadPatterns(StrictMap& map, std::string_view key,
                                              std::string_view what, const std::string& file) {
  std::vector<std::string> patterns;
  map.Read(key, &patterns);
  for (std::string& pattern : patterns) {
    if (!IsValidPattern(pattern))
      map.FailAt(key, fmt::format("invalid {} file path \"{}\"", what, pattern));
    pattern = ResolvePath(file, pattern);
  }
  return patterns;
}

// Job names are unique over all files.
class JobNames {
 public:
  Status Add(const std::vector<ingest::ScrapeConfig>& configs, const std::string& file) {
    for (const ingest::ScrapeConfig& config : configs) {
      const auto [it, added] = first_.emplace(config.job_name, file);
      if (!added)
        return InvalidArgument(
            fmt::format("{}: found multiple scrape configs with job name \"{}\", first found in {}",
                        file, config.job_name, it->second));
    }
    return OkStatus();
  }

 private:
  std::map<std::string, std::string> first_;
};

Result<YamlNode> LoadYaml(const std::string& file, const FileSystem& files,
                          ConfigWarnings& warnings) {
  TOCSIN_ASSIGN(const std::string text, files.ReadFile(file));
  return ParseYaml(text, file, &warnings);
}

Status LoadScrapeConfigFiles(const std::vector<std::string>& patterns, const FileSystem& files,
                             MainConfig& config, JobNames& jobs, ConfigWarnings& warnings) {
  for (const std::string& pattern : patterns) {
    for (const std::string& file : files.Glob(pattern)) {
      TOCSIN_ASSIGN(const YamlNode root, LoadYaml(file, files, warnings));
      StrictMap map(root, "config.ScrapeConfigs");
      const YamlNode* node = map.Get("scrape_configs");
      TOCSIN_RETURN_IF_ERROR(map.Finish());
      if (node == nullptr) continue;
      TOCSIN_ASSIGN(auto more, ingest::ParseScrapeConfigs(*node, config.global, warnings));
      TOCSIN_RETURN_IF_ERROR(jobs.Add(more, file));
      std::move(more.begin(), more.end(), std::back_inserter(config.scrape_configs));
    }
  }
  return OkStatus();
}

Status LoadRuleGroups(const std::vector<std::string>& patterns, const query::Features& features,
                      const FileSystem& files, SiteConfig& config) {
  for (const std::string& file : FindRuleFiles(patterns, files, config.warnings)) {
    TOCSIN_ASSIGN(const std::string text, files.ReadFile(file));
    TOCSIN_ASSIGN(auto groups, rules::ParseRuleFile(text, file, features, config.warnings));
    std::move(groups.begin(), groups.end(), std::back_inserter(config.rule_groups));
  }
  return OkStatus();
}

}  // namespace

Result<MainConfig> LoadMainConfig(const std::string& file, const FileSystem& files,
                                  ConfigWarnings& warnings) {
  TOCSIN_ASSIGN(YamlNode root, LoadYaml(file, files, warnings));
  ExpandExternalLabels(root, warnings);
  const YamlNode null = NullNode(file);
  const auto or_null = [&](const YamlNode* node) -> const YamlNode& { return node ? *node : null; };
  MainConfig config;
  StrictMap map(root, "config.plain");
  const YamlNode& global = or_null(map.Get("global"));
  const YamlNode& scrape_configs = or_null(map.Get("scrape_configs"));
  const YamlNode& remote_write = or_null(map.Get("remote_write"));
  const YamlNode& alerting = or_null(map.Get("alerting"));
  const YamlNode& storage = or_null(map.Get("storage"));
  const YamlNode& own = or_null(map.Get("tocsin"));
  map.Get("runtime");  // tunes Go's collector: nothing to warn about
  TOCSIN_ASSIGN(config.rule_patterns, ReadPatterns(map, "rule_files", "rule", file));
  TOCSIN_ASSIGN(const auto scrape_patterns,
                ReadPatterns(map, "scrape_config_files", "scrape config", file));
  for (const std::string_view key : {"remote_read", "tracing", "otlp"})
    map.Ignore(key, kNotYet, &warnings);
  TOCSIN_RETURN_IF_ERROR(map.Finish());

  TOCSIN_ASSIGN(config.global, ingest::ParseGlobalConfig(global, warnings));
  TOCSIN_ASSIGN(config.scrape_configs,
                ingest::ParseScrapeConfigs(scrape_configs, config.global, warnings));
  JobNames jobs;
  TOCSIN_RETURN_IF_ERROR(jobs.Add(config.scrape_configs, file));
  TOCSIN_RETURN_IF_ERROR(LoadScrapeConfigFiles(scrape_patterns, files, config, jobs, warnings));
  TOCSIN_ASSIGN(config.remote_write, ingest::ParseForwardConfigs(remote_write, warnings));
  TOCSIN_ASSIGN(config.storage, ParseStorageSection(storage, warnings));
  TOCSIN_ASSIGN(config.tocsin, ParseTocsinSection(own));
  TOCSIN_ASSIGN(config.alerting, ParseAlertingSection(alerting, warnings));
  config.shown = ShowConfig(root, config);
  return config;
}

std::vector<std::string> FindRuleFiles(const std::vector<std::string>& patterns,
                                       const FileSystem& files, ConfigWarnings& warnings) {
  std::vector<std::string> found;
  std::set<std::string> seen;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> matches = files.Glob(pattern);
    if (matches.empty() && pattern.find_first_of("*?[") == std::string::npos)
      warnings.push_back(fmt::format("rule file {} does not exist", pattern));
    for (const std::string& match : matches)
      if (seen.insert(match).second) found.push_back(match);
  }
  return found;
}

Result<SiteConfig> LoadSiteConfig(const ConfigSources& sources, const FileSystem& files) {
  SiteConfig config;
  if (!sources.config_file.empty()) {
    TOCSIN_ASSIGN(config.main, LoadMainConfig(sources.config_file, files, config.warnings));
    TOCSIN_RETURN_IF_ERROR(
        LoadRuleGroups(config.main.rule_patterns, sources.features, files, config));
  }
  if (!sources.alertmanager_file.empty()) {
    const std::string& file = sources.alertmanager_file;
    TOCSIN_ASSIGN(const std::string text, files.ReadFile(file));
    TOCSIN_ASSIGN(config.alertmanager,
                  alerting::ParseAlertmanagerConfig(text, file, files, config.warnings));
  }
  return config;
}

}  // namespace tocsin
