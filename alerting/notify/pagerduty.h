// pagerduty_configs: Events API v2 (routing_key) and the older v1 (service_key).
#pragma once

#include <memory>

#include "alerting/notify/registry.h"

namespace tocsin::alerting {

Result<std::unique_ptr<IntegrationConfig>> ParsePagerdutyConfig(const YamlNode& node,
                                                                const IntegrationContext& context);

}  // namespace tocsin::alerting
