// global and scrape_configs of prometheus.yml. Keys, defaults and errors: Prometheus'
// configuration reference.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/transport_config.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/labels.h"
#include "storage/model/relabel.h"

namespace tocsin::ingest {

struct GlobalConfig {
  Duration scrape_interval{60'000};
  Duration scrape_timeout{10'000};
  Duration evaluation_interval{60'000};
  Duration rule_query_offset{0};
  Labels external_labels;
  std::string query_log_file, scrape_failure_log_file;
  uint64_t body_size_limit = 0;  // 0: none, here and below
  uint64_t sample_limit = 0, target_limit = 0, label_limit = 0;
  uint64_t label_name_length_limit = 0, label_value_length_limit = 0, keep_dropped_targets = 0;
  std::vector<std::string> scrape_protocols;  // empty: the default list
  bool legacy_names = false;                  // metric_name_validation_scheme: legacy
  std::string escaping_scheme;                // metric_name_escaping_scheme, default filled in
  bool extra_scrape_metrics = false;

  bool operator==(const GlobalConfig&) const = default;
};

// Targets with the labels they share, from one source.
struct TargetGroup {
  std::string source;
  std::vector<Labels> targets;  // each with __address__
  Labels labels;
  bool operator==(const TargetGroup&) const = default;
};

struct FileSdConfig {
  std::vector<std::string> files;  // patterns, resolved against the configuration's folder
  Duration refresh_interval{300'000};
  bool operator==(const FileSdConfig&) const = default;
};

struct HttpSdConfig {
  std::string url;
  Duration refresh_interval{60'000};
  TransportConfig transport;
  bool operator==(const HttpSdConfig&) const = default;
};

// What any consumer of discovery (scrape jobs, alertmanagers) may name. A kind not built yet is a
// named warning at load and finds no targets.
struct DiscoveryConfig {
  std::vector<TargetGroup> static_configs;
  std::vector<FileSdConfig> file_sd_configs;
  std::vector<HttpSdConfig> http_sd_configs;
  bool operator==(const DiscoveryConfig&) const = default;
};

struct ScrapeConfig {
  std::string job_name;
  Duration scrape_interval{60'000};
  Duration scrape_timeout{10'000};
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::map<std::string, std::vector<std::string>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool enable_compression = true;
  std::vector<std::string> scrape_protocols;
  std::string fallback_scrape_protocol;
  std::string escaping_scheme = "allow-utf-8";
  uint64_t body_size_limit = 0, sample_limit = 0, target_limit = 0, label_limit = 0;
  uint64_t label_name_length_limit = 0, label_value_length_limit = 0, keep_dropped_targets = 0;
  bool legacy_names = false;
  bool extra_scrape_metrics = false;
  std::vector<RelabelConfig> relabel_configs;
  std::vector<RelabelConfig> metric_relabel_configs;
  DiscoveryConfig discovery;
  TransportConfig transport;

  bool operator==(const ScrapeConfig&) const = default;
};

// `node` is the value of `global` (null: defaults).
Result<GlobalConfig> ParseGlobalConfig(const YamlNode& node, ConfigWarnings& warnings);
// `node` is the value of `scrape_configs`. Relative paths are resolved against node's file.
Result<std::vector<ScrapeConfig>> ParseScrapeConfigs(const YamlNode& node,
                                                     const GlobalConfig& global,
                                                     ConfigWarnings& warnings);
// The discovery keys of `map` (static_configs, *_sd_configs).
Result<DiscoveryConfig> ReadDiscoveryConfig(StrictMap& map, ConfigWarnings& warnings);

}  // namespace tocsin::ingest
