// The configuration as /api/v1/status/config shows it.
#pragma once

#include <string>

#include "storage/config/yaml_reader.h"
#include "tools/tocsin/config_file.h"

namespace tocsin {

// YAML as Prometheus prints what it has loaded: keys in its order, defaults filled in, file names
// resolved, <secret> in place of every secret; it loads to the same configuration but for those.
// REQUIRES: `config` was loaded from `root`, a valid prometheus.yml.
std::string ShowConfig(const YamlNode& root, const MainConfig& config);

}  // namespace tocsin
