// webhook_configs: the group as JSON, version 4 of Alertmanager's body, or a body of one's own.
#pragma once

#include <memory>

#include "alerting/notify/registry.h"

namespace tocsin::alerting {

Result<std::unique_ptr<IntegrationConfig>> ParseWebhookConfig(const YamlNode& node,
                                                              const IntegrationContext& context);

// The body of version 4. `max_alerts` 0: all; status and common values are those of the sent ones.
std::string WebhookBody(const Notification& notification, const std::string& external_url,
                        const TemplateStringMap& route_labels, size_t max_alerts);

}  // namespace tocsin::alerting
