// slack_configs: one attachment to an incoming webhook, or to chat.postMessage with a token.
#pragma once

#include <memory>

#include "alerting/notify/registry.h"

namespace tocsin::alerting {

Result<std::unique_ptr<IntegrationConfig>> ParseSlackConfig(const YamlNode& node,
                                                            const IntegrationContext& context);

}  // namespace tocsin::alerting
