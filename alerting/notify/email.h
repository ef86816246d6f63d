// email_configs: one message per group and flush to all recipients of the section.
#pragma once

#include <memory>

#include "alerting/notify/registry.h"

namespace tocsin::alerting {

Result<std::unique_ptr<IntegrationConfig>> ParseEmailConfig(const YamlNode& node,
                                                            const IntegrationContext& context);

}  // namespace tocsin::alerting
