#include "tools/tocsin/config_sections.h"

#include <fmt/format.h>

#include "ingest/scrape_config.h"
#include "storage/config/relabel_config.h"
#include "storage/config/transport_config.h"

namespace tocsin {
namespace {

constexpr std::string_view kNotYet = "not available yet";

void ReadRelabelConfigs(StrictMap& map, std::string_view key, std::vector<RelabelConfig>* out) {
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return;
  auto configs = ParseRelabelConfigs(*node);
  if (configs.ok()) {
    *out = *std::move(configs);
  } else {
    map.Fail(configs.error());
  }
}

Result<StorageSection> ParseRetention(const YamlNode& node, ConfigWarnings& warnings) {
  StorageSection section;
  StrictMap map(node, "config.TSDBRetentionConfig");
  if (map.Get("time") != nullptr) map.Read("time", &section.retention_time.emplace());
  if (map.Get("size") != nullptr) map.ReadByteSize("size", &section.retention_size.emplace());
  map.Ignore("percentage", kNotYet, &warnings);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return section;
}

Result<StorageSection> ParseTsdb(const YamlNode& node, ConfigWarnings& warnings) {
  StorageSection section;
  StrictMap map(node, "config.TSDBConfig");
  if (const YamlNode* retention = map.Get("retention")) {
    TOCSIN_ASSIGN(section, ParseRetention(*retention, warnings));
  }
  // Every order is accepted anyway, so asking for a window is already granted.
  Duration window{0};
  map.Read("out_of_order_time_window", &window);
  map.Ignore("stale_series_compaction_threshold", "it tunes Prometheus' storage engine", &warnings);
  map.Ignore("chunk_encoding", "it tunes Prometheus' storage engine", &warnings);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return section;
}

Status CheckAlertmanager(const YamlNode& node, ConfigWarnings& warnings) {
  std::string scheme = "http", path_prefix, api_version = "v2";
  Duration timeout{10'000};
  std::vector<RelabelConfig> relabel_configs;
  StrictMap map(node, "config.AlertmanagerConfig");
  map.Read("scheme", &scheme);
  map.Read("path_prefix", &path_prefix);
  map.Read("timeout", &timeout);
  map.Read("api_version", &api_version);
  if (scheme != "http" && scheme != "https")
    map.FailAt("scheme", fmt::format("invalid scheme \"{}\"", scheme));
  if (api_version != "v2")
    map.FailAt(
        "api_version",
        fmt::format("expected Alertmanager api version to be one of [v2] but got {}", api_version));
  ReadRelabelConfigs(map, "relabel_configs", &relabel_configs);
  ReadRelabelConfigs(map, "alert_relabel_configs", &relabel_configs);
  map.Ignore("sigv4", kNotYet, &warnings);
  if (const auto discovery = ingest::ReadDiscoveryConfig(map, warnings); !discovery.ok())
    map.Fail(discovery.error());
  if (const auto transport = ReadTransportConfig(map, node.file); !transport.ok())
    map.Fail(transport.error());
  return map.Finish();
}

}  // namespace

Result<StorageSection> ParseStorageSection(const YamlNode& node, ConfigWarnings& warnings) {
  StorageSection section;
  StrictMap map(node, "config.StorageConfig");
  if (const YamlNode* tsdb = map.Get("tsdb")) {
    TOCSIN_ASSIGN(section, ParseTsdb(*tsdb, warnings));
  }
  map.Ignore("exemplars", kNotYet, &warnings);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return section;
}

Result<AlertingSection> ParseAlertingSection(const YamlNode& node, ConfigWarnings& warnings) {
  AlertingSection section;
  StrictMap map(node, "config.AlertingConfig");
  ReadRelabelConfigs(map, "alert_relabel_configs", &section.alert_relabel_configs);
  if (const YamlNode* managers = map.Get("alertmanagers")) {
    if (managers->kind != YamlNode::Kind::kSequence)
      return managers->MakeError("expected a list of Alertmanagers");
    for (const YamlNode& item : managers->items)
      TOCSIN_RETURN_IF_ERROR(CheckAlertmanager(item, warnings));
    if (!managers->items.empty())
      warnings.push_back(managers
                             ->MakeError("alerting.alertmanagers is ignored: sending to external "
                                         "Alertmanagers is not available yet; "
                                         "--alertmanager.config.file turns on the one inside")
                             .message());
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return section;
}

}  // namespace tocsin
