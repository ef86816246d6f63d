// Loads everything the program is configured by, once and completely, before anything is applied:
// prometheus.yml with the files it names, and alertmanager.yml. Each section goes to the folder
// that owns it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerting/config.h"
#include "ingest/forward/forward_config.h"
#include "ingest/scrape_config.h"
#include "query/engine.h"
#include "rules/rule_file.h"
#include "storage/base/file_system.h"
#include "tools/tocsin/config_sections.h"

namespace tocsin {

// prometheus.yml and its scrape_config_files, without the rule files it names.
struct MainConfig {
  ingest::GlobalConfig global;
  std::vector<ingest::ScrapeConfig> scrape_configs;
  std::vector<std::string> rule_patterns;  // resolved against the file's folder
  std::vector<ingest::ForwardConfig> remote_write;
  StorageSection storage;
  TocsinSection tocsin;
  AlertingSection alerting;
  std::string shown;  // as /api/v1/status/config shows it
};

// A valid configuration of the whole site.
struct SiteConfig {
  MainConfig main;
  std::vector<rules::GroupConfig> rule_groups;
  alerting::ConfigPtr alertmanager;  // null without a file
  ConfigWarnings warnings;
};

struct ConfigSources {
  std::string config_file;        // empty: defaults, nothing is scraped
  std::string alertmanager_file;  // empty: none
  query::Features features;
};

// All errors name file, line and column.
Result<MainConfig> LoadMainConfig(const std::string& file, const FileSystem& files,
                                  ConfigWarnings& warnings);
// The files that the patterns name; a literal name that does not exist is a warning.
std::vector<std::string> FindRuleFiles(const std::vector<std::string>& patterns,
                                       const FileSystem& files, ConfigWarnings& warnings);
Result<SiteConfig> LoadSiteConfig(const ConfigSources& sources, const FileSystem& files);

}  // namespace tocsin
