// Who answers. Any thread.
#pragma once

#include "http/api/api.h"
#include "storage/base/json.h"

namespace tocsin::http {

// The release of Prometheus whose API and language this program speaks: clients such as Grafana
// switch features by it.
inline constexpr std::string_view kPrometheusVersion = "3.14.0";

// {"version":...,"revision":...}; our own version beside the one clients look at.
void AppendBuildInfo(JsonWriter& json, const BuildInfo& build);

}  // namespace tocsin::http
