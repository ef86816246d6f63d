#include "tools/tocsin/config_sections.h"

#include "storage/config/relabel_config.h"

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

Result<AlertingSection::Alertmanagers> ParseAlertmanagers(const YamlNode& node,
                                                          ConfigWarnings& warnings) {
  AlertingSection::Alertmanagers out;
  StrictMap map(node, "config.AlertmanagerConfig");
  TOCSIN_ASSIGN(out.sender, alerting::ReadExternalAlertmanagers(map, node.file));
  TOCSIN_ASSIGN(out.discovery, ingest::ReadDiscoveryConfig(map, warnings));
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return out;
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
    for (const YamlNode& item : managers->items) {
      TOCSIN_ASSIGN(auto entry, ParseAlertmanagers(item, warnings));
      section.alertmanagers.push_back(std::move(entry));
    }
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return section;
}

}  // namespace tocsin
