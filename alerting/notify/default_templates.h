// The definitions that every configuration starts with; files of `templates:` may replace them.
#pragma once

#include <span>
#include <string_view>

namespace tocsin::alerting {

struct BuiltInTemplate {
  std::string_view name;  // shown in errors
  std::string_view text;
};
std::span<const BuiltInTemplate> BuiltInTemplates();

}  // namespace tocsin::alerting
