#include "storage/config/relabel_config.h"

#include <fmt/format.h>

namespace tocsin {
namespace {

// Whether a template names a group at all; only then is its result unknown before matching.
bool HasVariable(std::string_view text) { return text.find('$') != std::string_view::npos; }

bool IsOneOf(RelabelAction action, std::initializer_list<RelabelAction> actions) {
  for (const RelabelAction candidate : actions)
    if (candidate == action) return true;
  return false;
}

// The message of the first broken rule, or "".
std::string Check(const RelabelConfig& c, bool has_source_labels) {
  using A = RelabelAction;
  static const RelabelConfig defaults;
  const std::string_view name = RelabelActionName(c.action);
  if (c.action == A::kHashMod && c.modulus == 0)
    return "relabel configuration for hashmod requires non-zero modulus";
  if (IsOneOf(c.action, {A::kReplace, A::kHashMod, A::kLowercase, A::kUppercase, A::kKeepEqual,
                         A::kDropEqual})) {
    if (c.target_label.empty())
      return fmt::format("relabel configuration for {} action requires 'target_label' value", name);
    const bool may_expand = c.action == A::kReplace && HasVariable(c.target_label);
    if (!may_expand && !IsValidLabelName(c.target_label))
      return fmt::format("\"{}\" is invalid 'target_label' for {} action", c.target_label, name);
  }
  if (IsOneOf(c.action, {A::kLowercase, A::kUppercase, A::kKeepEqual, A::kDropEqual}) &&
      c.replacement != defaults.replacement)
    return fmt::format("'replacement' can not be set for {} action", name);
  if (c.action == A::kLabelMap && !HasVariable(c.replacement) && !IsValidLabelName(c.replacement))
    return fmt::format("\"{}\" is invalid 'replacement' for {} action", c.replacement, name);
  const bool plain = c.modulus == defaults.modulus && c.separator == defaults.separator &&
                     c.replacement == defaults.replacement;
  if (IsOneOf(c.action, {A::kKeepEqual, A::kDropEqual}) &&
      (!plain || c.regex_text != defaults.regex_text))
    return fmt::format(
        "{} action requires only 'source_labels' and `target_label`, and no other fields", name);
  if (IsOneOf(c.action, {A::kLabelDrop, A::kLabelKeep}) &&
      (!plain || has_source_labels || !c.target_label.empty()))
    return fmt::format("{} action requires only 'regex', and no other fields", name);
  return "";
}

Result<RelabelConfig> ParseRelabelConfig(const YamlNode& node) {
  RelabelConfig config;
  std::string action = "replace";
  StrictMap map(node, "relabel.plain");
  const bool has_source_labels = map.Get("source_labels") != nullptr;
  map.Read("source_labels", &config.source_labels);
  map.Read("separator", &config.separator);
  map.Read("regex", &config.regex_text);
  map.Read("modulus", &config.modulus);
  map.Read("target_label", &config.target_label);
  map.Read("replacement", &config.replacement);
  map.Read("action", &action);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  const auto parsed = ParseRelabelAction(action);
  if (!parsed.ok()) return node.MakeError(parsed.error().message());
  config.action = *parsed;
  for (const std::string& label : config.source_labels)
    if (!IsValidLabelName(label))
      return node.MakeError(fmt::format("\"{}\" is not a valid label name", label));
  if (const std::string broken = Check(config, has_source_labels); !broken.empty())
    return node.MakeError(broken);
  if (const Status compiled = config.Compile(); !compiled.ok())
    return node.MakeError(compiled.error().message());
  return config;
}

}  // namespace

Result<std::vector<RelabelConfig>> ParseRelabelConfigs(const YamlNode& node) {
  std::vector<RelabelConfig> out;
  if (node.is_null()) return out;
  if (node.kind != YamlNode::Kind::kSequence)
    return node.MakeError("expected a list of relabeling rules");
  for (const YamlNode& item : node.items) {
    if (item.is_null() || item.kind != YamlNode::Kind::kMap)
      return item.MakeError("empty or null relabeling rule");
    TOCSIN_ASSIGN(RelabelConfig config, ParseRelabelConfig(item));
    out.push_back(std::move(config));
  }
  return out;
}

}  // namespace tocsin
