#include "tools/tocsin/config_sections.h"

#include "query/language.h"
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

void ReadTime(StrictMap& map, std::string_view key, std::optional<Duration>* out) {
  if (map.Get(key) != nullptr) map.Read(key, &out->emplace());
}

Result<storage::RetentionRule> ParseRetentionRule(const YamlNode& node) {
  storage::RetentionRule rule;
  StrictMap map(node, "retention rule");
  std::vector<std::string> selectors;
  if (const YamlNode* match = map.Get("match"); match == nullptr)
    map.FailAt("match", "a retention rule needs match: a selector, or a list of them");
  else if (match->kind == YamlNode::Kind::kScalar)
    selectors.push_back(match->scalar);
  else
    map.Read("match", &selectors);
  for (const std::string& text : selectors) {
    auto selector = query::ParseSelector(text);
    if (!selector.ok())
      map.FailAt("match", selector.error().message());
    else
      rule.selectors.push_back(*std::move(selector));
  }
  ReadTime(map, "raw", &rule.raw);
  ReadTime(map, "5m", &rule.five_minutes);
  ReadTime(map, "1h", &rule.one_hour);
  bool drop = false;
  map.Read("drop", &drop);
  if (drop && (rule.raw || rule.five_minutes || rule.one_hour))
    map.FailAt("drop", "what is dropped is not kept for any time");
  if (drop) rule.raw = rule.five_minutes = rule.one_hour = Duration{0};
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return rule;
}

Result<storage::RetentionRules> ParseRetentionRules(const YamlNode& node) {
  storage::RetentionRules out;
  StrictMap map(node, "tocsin.retention");
  ReadTime(map, "5m", &out.five_minutes);
  ReadTime(map, "1h", &out.one_hour);
  if (const YamlNode* rules = map.Get("rules")) {
    if (rules->kind != YamlNode::Kind::kSequence)
      return rules->MakeError("expected a list of retention rules");
    for (const YamlNode& item : rules->items) {
      TOCSIN_ASSIGN(auto rule, ParseRetentionRule(item));
      out.rules.push_back(std::move(rule));
    }
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return out;
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
  if (const YamlNode* exemplars = map.Get("exemplars")) {
    StrictMap of(*exemplars, "config.ExemplarsConfig");
    int64_t max = 0;
    of.Read("max_exemplars", &max);
    TOCSIN_RETURN_IF_ERROR(of.Finish());
    if (exemplars->Find("max_exemplars") != nullptr)
      section.max_exemplars = static_cast<size_t>(std::max<int64_t>(max, 0));
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return section;
}

Result<TocsinSection> ParseTocsinSection(const YamlNode& node) {
  TocsinSection section;
  StrictMap map(node, "tocsin");
  if (const YamlNode* retention = map.Get("retention")) {
    TOCSIN_ASSIGN(section.retention, ParseRetentionRules(*retention));
  }
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
