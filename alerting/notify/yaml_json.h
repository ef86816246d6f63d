// Structured settings (PagerDuty's details, the webhook's payload): YAML whose strings are
// templates. A string that renders to YAML of another type (number, bool, list, map) is sent as
// that type.
#pragma once

#include <string>

#include "alerting/notify/template_data.h"
#include "storage/config/yaml_reader.h"

namespace tocsin::alerting {

// Appends `node` as JSON with every string and key rendered. Errors stick to the renderer.
void AppendRenderedJson(std::string& out, const YamlNode& node, Renderer& renderer,
                        std::string_view field);

// Appends a rendered text as JSON: typed when it reads as non-string YAML, else a string.
void AppendTypedJson(std::string& out, const std::string& text);

}  // namespace tocsin::alerting
