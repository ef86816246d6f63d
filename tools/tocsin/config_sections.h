// The sections of prometheus.yml that belong to the root because they join folders.
#pragma once

#include <optional>
#include <vector>

#include "alerting/external_sender.h"
#include "ingest/scrape_config.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/relabel.h"
#include "storage/retention_rules.h"

namespace tocsin {

// `storage`: what it says about keeping samples wins over the flags.
struct StorageSection {
  std::optional<Duration> retention_time;
  std::optional<uint64_t> retention_size;
  std::optional<size_t> max_exemplars;
};
Result<StorageSection> ParseStorageSection(const YamlNode& node, ConfigWarnings& warnings);

// `tocsin`: what Prometheus has no place for.
struct TocsinSection {
  storage::RetentionRules retention;
};
Result<TocsinSection> ParseTocsinSection(const YamlNode& node);

// `alerting`: the Alertmanagers outside, with how they are found.
struct AlertingSection {
  struct Alertmanagers {
    alerting::ExternalAlertmanagers sender;
    ingest::DiscoveryConfig discovery;
  };

  std::vector<RelabelConfig> alert_relabel_configs;
  std::vector<Alertmanagers> alertmanagers;
};
Result<AlertingSection> ParseAlertingSection(const YamlNode& node, ConfigWarnings& warnings);

}  // namespace tocsin
