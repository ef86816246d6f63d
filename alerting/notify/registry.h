// The kinds of receivers. A new one is a file beside this and a line in registry.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "alerting/notify/notifier.h"
#include "storage/config/yaml_reader.h"

namespace tocsin::alerting {

struct GlobalConfig;

// What a section is parsed with. `base_file`: relative file names are resolved against it.
struct IntegrationContext {
  const GlobalConfig& global;
  const std::string& base_file;
  ConfigWarnings& warnings;
};

using ParseIntegration = Result<std::unique_ptr<IntegrationConfig>> (*)(
    const YamlNode& node, const IntegrationContext& context);

struct ReceiverKind {
  std::string_view key;    // "webhook_configs"
  std::string_view name;   // "webhook"
  ParseIntegration parse;  // null: known, but not available in this build
};

std::span<const ReceiverKind> ReceiverKinds();

}  // namespace tocsin::alerting
