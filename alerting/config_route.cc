// Routes, inhibition rules and receivers of alertmanager.yml.
#include <algorithm>
#include <set>

#include "alerting/config_types.h"
#include "alerting/matcher_parser.h"
#include "alerting/notify/registry.h"

namespace tocsin::alerting {
namespace {

constexpr int kMaxRouteDepth = 60;

void AddMatcherList(StrictMap& map, std::string_view key, std::vector<Matcher>* out) {
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kSequence) {
    return map.Fail(node->MakeError(std::string(key) + " must be a list of matchers"));
  }
  for (const YamlNode& item : node->items) {
    auto text = YamlString(item);
    if (!text.ok()) return map.Fail(text.error());
    auto matchers = ParseMatchers(*text);
    if (!matchers.ok()) return map.Fail(item.MakeError(matchers.error().message()));
    for (auto& m : *matchers) out->push_back(std::move(m));
  }
}

// The deprecated maps: label -> value, or label -> anchored regex.
void AddMatcherMap(StrictMap& map, std::string_view key, MatchOp op, std::vector<Matcher>* out) {
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return;
  auto pairs = YamlStringMap(*node);
  if (!pairs.ok()) return map.Fail(pairs.error());
  for (auto& [name, value] : *pairs) {
    if (!IsLegacyLabelName(name)) {
      return map.Fail(
          node->MakeError("invalid label name \"" + name + "\" in " + std::string(key)));
    }
    auto matcher = Matcher::Create(op, name, value, Regex::Anchor::kFullNoDotNl);
    if (!matcher.ok()) return map.Fail(node->MakeError(matcher.error().message()));
    out->push_back(std::move(*matcher));
  }
}

void ReadGroupBy(StrictMap& map, RouteConfig& out) {
  const YamlNode* node = map.Get("group_by");
  if (node == nullptr) return;
  auto names = YamlStringList(*node);
  if (!names.ok()) return map.Fail(names.error());
  std::set<std::string> seen;
  for (const std::string& name : *names) {
    if (name == "..." && names->size() > 1) {
      return map.FailAt("group_by",
                        "cannot have wildcard group_by (`...`) and other labels at the "
                        "same time");
    }
    if (!IsValidLabelName(name)) {
      return map.FailAt("group_by", "invalid label name \"" + name + "\" in group_by list");
    }
    if (!seen.insert(name).second) {
      return map.FailAt("group_by", "duplicated label \"" + name + "\" in group_by list");
    }
  }
  out.group_by = std::move(*names);
}

void ReadDuration(StrictMap& map, std::string_view key, bool zero_allowed,
                  std::optional<Duration>* out) {
  if (map.Get(key) == nullptr) return;
  Duration d{0};
  map.Read(key, &d);
  if (d.count() == 0 && !zero_allowed) {
    map.FailAt(key, std::string(key) + " cannot be zero");
  }
  *out = d;
}

Result<RouteConfig> ParseRouteAt(const YamlNode& node, int depth, ConfigWarnings& warnings) {
  if (depth > kMaxRouteDepth) return node.MakeError("routes are nested too deeply");
  RouteConfig out;
  StrictMap map(node, "route");
  map.Read("receiver", &out.receiver);
  ReadGroupBy(map, out);
  ReadDuration(map, "group_wait", true, &out.group_wait);
  ReadDuration(map, "group_interval", false, &out.group_interval);
  ReadDuration(map, "repeat_interval", false, &out.repeat_interval);
  AddMatcherMap(map, "match", MatchOp::kEqual, &out.matchers);
  AddMatcherMap(map, "match_re", MatchOp::kRegex, &out.matchers);
  AddMatcherList(map, "matchers", &out.matchers);
  map.Read("continue", &out.keep_going);
  map.Read("mute_time_intervals", &out.mute_time_intervals);
  map.Read("active_time_intervals", &out.active_time_intervals);
  map.Read("labels", &out.labels);
  if (const YamlNode* routes = map.Get("routes")) {
    if (routes->kind != YamlNode::Kind::kSequence)
      return routes->MakeError("routes must be a list");
    for (const YamlNode& child : routes->items) {
      TOCSIN_ASSIGN(RouteConfig parsed, ParseRouteAt(child, depth + 1, warnings));
      out.routes.push_back(std::move(parsed));
    }
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  const Duration interval = out.group_interval.value_or(Duration{300'000});
  if (out.repeat_interval && *out.repeat_interval < interval) {
    warnings.push_back(
        node.MakeError("repeat_interval is less than group_interval: notifications will not repeat "
                       "until the next group_interval")
            .message());
  }
  return out;
}

Result<InhibitRuleConfig> ParseInhibitRule(const YamlNode& node) {
  InhibitRuleConfig out;
  StrictMap map(node, "inhibit rule");
  map.Read("name", &out.name);
  AddMatcherMap(map, "source_match", MatchOp::kEqual, &out.source);
  AddMatcherMap(map, "source_match_re", MatchOp::kRegex, &out.source);
  AddMatcherList(map, "source_matchers", &out.source);
  AddMatcherMap(map, "target_match", MatchOp::kEqual, &out.target);
  AddMatcherMap(map, "target_match_re", MatchOp::kRegex, &out.target);
  AddMatcherList(map, "target_matchers", &out.target);
  map.Read("equal", &out.equal);
  for (const std::string& name : out.equal) {
    if (!IsValidLabelName(name)) map.FailAt("equal", "invalid label name \"" + name + "\"");
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return out;
}

}  // namespace

Result<RouteConfig> ParseRoute(const YamlNode& node, ConfigWarnings& warnings) {
  TOCSIN_ASSIGN(RouteConfig root, ParseRouteAt(node, 0, warnings));
  if (root.receiver.empty()) return node.MakeError("root route must specify a default receiver");
  if (!root.matchers.empty()) return node.MakeError("root route must not have any matchers");
  if (!root.mute_time_intervals.empty()) {
    return node.MakeError("root route must not have any mute time intervals");
  }
  if (!root.active_time_intervals.empty()) {
    return node.MakeError("root route must not have any active time intervals");
  }
  if (root.keep_going) return node.MakeError("cannot have continue in root route");
  return root;
}

Result<std::vector<InhibitRuleConfig>> ParseInhibitRules(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kSequence) return node.MakeError("inhibit_rules must be a list");
  std::vector<InhibitRuleConfig> out;
  for (const YamlNode& item : node.items) {
    TOCSIN_ASSIGN(InhibitRuleConfig rule, ParseInhibitRule(item));
    out.push_back(std::move(rule));
  }
  return out;
}

Result<ReceiverConfig> ParseReceiver(const YamlNode& node, const GlobalConfig& global,
                                     const std::string& base_file, ConfigWarnings& warnings) {
  ReceiverConfig out;
  StrictMap map(node, "receiver");
  map.Read("name", &out.name);
  map.Read("labels", &out.labels);
  const IntegrationContext context{global, base_file, warnings};
  for (const ReceiverKind& kind : ReceiverKinds()) {
    const YamlNode* sections = map.Get(kind.key);
    if (sections == nullptr) continue;
    if (sections->kind != YamlNode::Kind::kSequence) {
      return sections->MakeError(std::string(kind.key) + " must be a list");
    }
    for (const YamlNode& section : sections->items) {
      if (kind.parse == nullptr) {
        out.unsupported.push_back(Unsupported(
            section
                .MakeError(std::string(kind.key) + " are not available in this version of tocsin")
                .message()));
        continue;
      }
      TOCSIN_ASSIGN(auto parsed, kind.parse(section, context));
      out.integrations.push_back(std::move(parsed));
    }
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (out.name.empty()) return node.MakeError("missing name in receiver");
  return out;
}

}  // namespace tocsin::alerting
