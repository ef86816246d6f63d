// remote_write of prometheus.yml. Keys, defaults and errors: Prometheus' configuration reference.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/transport_config.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/relabel.h"

namespace tocsin::ingest {

struct ForwardConfig {
  std::string url;
  std::string name;  // given, or made of the rest: names the endpoint's place in the database
  Duration remote_timeout{30'000};
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<RelabelConfig> write_relabel_configs;
  TransportConfig transport;
  // Not empty: what the endpoint asks for and this build cannot do. Nothing is sent to it.
  std::string unavailable;

  bool send_native_histograms = false;

  uint64_t max_samples_per_send = 2000;
  uint64_t max_shards = 50;
  Duration batch_send_deadline{5'000};
  Duration min_backoff{30};
  Duration max_backoff{5'000};
  bool retry_on_http_429 = false;
  Duration sample_age_limit{0};  // 0: none

  bool send_metadata = true;
  Duration metadata_interval{60'000};
  uint64_t metadata_per_send = 2000;

  bool operator==(const ForwardConfig&) const = default;
};

// `node` is the value of `remote_write` (null: none).
Result<std::vector<ForwardConfig>> ParseForwardConfigs(const YamlNode& node,
                                                       ConfigWarnings& warnings);

}  // namespace tocsin::ingest
