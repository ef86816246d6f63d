// alertmanager.yml. Keys, defaults and errors: Alertmanager's configuration reference. Receiver
// sections are kept as checked YAML and parsed by the notifier that owns them (notify/registry.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/yaml_reader.h"

namespace tocsin::alerting {

struct AlertmanagerConfig;  // config_types.h: the whole tree, private to the folder

// A loaded, checked configuration; immutable.
using ConfigPtr = std::shared_ptr<const AlertmanagerConfig>;

// Parses and checks everything, template files included.
Result<ConfigPtr> ParseAlertmanagerConfig(std::string_view text, const std::string& file,
                                          const FileSystem& files, ConfigWarnings& warnings);

// What `check alertmanager` prints about it.
struct ConfigSummary {
  bool global = false, route = false;
  size_t inhibit_rules = 0, receivers = 0, templates = 0;
};
ConfigSummary Summarize(const AlertmanagerConfig& config);

}  // namespace tocsin::alerting
