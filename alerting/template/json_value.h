// Template values as JSON, as encoding/json writes them.
#pragma once

#include <string>

#include "alerting/template/value.h"

namespace tocsin::alerting {

// Compact; maps sorted; < > & escaped. Stops growing at kMaxTemplateOutput.
void AppendJson(std::string& out, const TemplateValue& value);

}  // namespace tocsin::alerting
