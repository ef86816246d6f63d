// relabel_configs from YAML, with Prometheus' checks and messages.
#pragma once

#include <vector>

#include "storage/base/result.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/relabel.h"

namespace tocsin {

// `node` is the sequence (null gives none). An unquoted `regex: true` reads as the text "true".
Result<std::vector<RelabelConfig>> ParseRelabelConfigs(const YamlNode& node);

}  // namespace tocsin
