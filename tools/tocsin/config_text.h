// The configuration as /api/v1/status/config shows it.
#pragma once

#include <string>

#include "storage/config/yaml_reader.h"

namespace tocsin {

// YAML that loads to the same tree, with <secret> in place of every secret.
std::string ShowConfig(const YamlNode& root);

}  // namespace tocsin
