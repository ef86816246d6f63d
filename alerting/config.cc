#include "alerting/config.h"

#include <set>

#include "alerting/config_types.h"
#include "alerting/notify/default_templates.h"
#include "storage/base/coding.h"

namespace tocsin::alerting {
namespace {

Status ReadReceivers(StrictMap& map, const std::string& file, AlertmanagerConfig& out,
                     ConfigWarnings& warnings) {
  const YamlNode* node = map.Get("receivers");
  if (node == nullptr) return OkStatus();
  if (node->kind != YamlNode::Kind::kSequence) return node->MakeError("receivers must be a list");
  std::set<std::string> names;
  for (const YamlNode& item : node->items) {
    TOCSIN_ASSIGN(ReceiverConfig receiver, ParseReceiver(item, out.global, file, warnings));
    if (!names.insert(receiver.name).second) {
      return item.MakeError("notification config name \"" + receiver.name + "\" is not unique");
    }
    out.receivers.push_back(std::move(receiver));
  }
  return OkStatus();
}

Status ReadIntervals(StrictMap& map, std::string_view key, AlertmanagerConfig& out) {
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return OkStatus();
  if (node->kind != YamlNode::Kind::kSequence) {
    return node->MakeError(std::string(key) + " must be a list");
  }
  for (const YamlNode& item : node->items) {
    TOCSIN_ASSIGN(TimeInterval interval, ParseTimeInterval(item));
    const std::string name = interval.name;
    if (!out.time_intervals.emplace(name, std::move(interval)).second) {
      return item.MakeError("time interval \"" + name + "\" is not unique");
    }
  }
  return OkStatus();
}

// Names that a route uses must exist, and what it reaches must be built.
Status CheckRoute(const RouteConfig& route, const std::string& inherited, const YamlNode& node,
                  const AlertmanagerConfig& config, std::set<std::string>& used) {
  const std::string& receiver = route.receiver.empty() ? inherited : route.receiver;
  used.insert(receiver);
  const ReceiverConfig* found = nullptr;
  for (const ReceiverConfig& r : config.receivers) {
    if (r.name == receiver) found = &r;
  }
  if (found == nullptr) {
    const YamlNode* at = node.Find("receiver");
    return (at ? *at : node).MakeError("undefined receiver \"" + receiver + "\" used in route");
  }
  if (!found->unsupported.empty()) {
    return found->unsupported.front().WithContext("receiver \"" + receiver +
                                                  "\", which a route uses");
  }
  for (const auto* names : {&route.mute_time_intervals, &route.active_time_intervals}) {
    for (const std::string& name : *names) {
      if (config.time_intervals.contains(name)) continue;
      return node.MakeError("undefined time interval \"" + name + "\" used in route");
    }
  }
  for (size_t i = 0; i < route.routes.size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(
        CheckRoute(route.routes[i], receiver, node.Find("routes")->items[i], config, used));
  }
  return OkStatus();
}

Status LoadTemplates(const std::string& file, const FileSystem& files, AlertmanagerConfig& out) {
  out.functions = AlertmanagerFunctions();
  for (const BuiltInTemplate& t : BuiltInTemplates()) {
    if (auto status = out.templates.Parse(t.name, t.text, out.functions); !status.ok()) {
      return Internal(status.error().message());
    }
  }
  for (const std::string& glob : out.template_globs) {
    for (const std::string& path : files.Glob(ResolvePath(file, glob))) {
      TOCSIN_ASSIGN(const std::string text, files.ReadFile(path));
      const size_t slash = path.rfind('/');
      const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
      if (auto status = out.templates.Parse(name, text, out.functions); !status.ok()) {
        return status.error().WithContext(path);
      }
      ++out.template_files;
    }
  }
  return OkStatus();
}

// A text of a receiver that is no valid template fails every notification: said at load already.
void CheckTexts(const YamlNode& node, const FunctionTable& functions, ConfigWarnings& warnings) {
  if (node.kind == YamlNode::Kind::kScalar && node.scalar.find("{{") != std::string::npos) {
    if (auto status = CheckTemplate("text", node.scalar, functions); !status.ok()) {
      warnings.push_back(node.MakeError(status.error().message()).message());
    }
  }
  for (const YamlNode& item : node.items) CheckTexts(item, functions, warnings);
  for (const auto& [key, value] : node.members) CheckTexts(value, functions, warnings);
}

}  // namespace

Result<ConfigPtr> ParseAlertmanagerConfig(std::string_view text, const std::string& file,
                                          const FileSystem& files, ConfigWarnings& warnings) {
  auto out = std::make_shared<AlertmanagerConfig>();
  TOCSIN_ASSIGN(out->document, ParseYaml(text, file, &warnings));
  const YamlNode& document = out->document;
  if (document.is_null()) return InvalidArgument(file + ": no route provided in config");
  if (document.kind == YamlNode::Kind::kSequence) {
    return document.MakeError(
        "a list where the configuration is expected: put receivers under `receivers:` and add a "
        "`route:`");
  }
  out->hash = Hash64(text);
  StrictMap map(document, "configuration");
  if (const YamlNode* global = map.Get("global")) {
    TOCSIN_ASSIGN(out->global, ParseGlobal(*global, file, warnings));
  }
  map.Read("templates", &out->template_globs);
  map.Ignore("tracing", "tracing is not available", &warnings);
  map.Ignore("event_recorder", "the event recorder is not available", &warnings);
  TOCSIN_RETURN_IF_ERROR(ReadIntervals(map, "time_intervals", *out));
  TOCSIN_RETURN_IF_ERROR(ReadIntervals(map, "mute_time_intervals", *out));
  if (const YamlNode* rules = map.Get("inhibit_rules")) {
    TOCSIN_ASSIGN(out->inhibit_rules, ParseInhibitRules(*rules));
  }
  TOCSIN_RETURN_IF_ERROR(ReadReceivers(map, file, *out, warnings));
  const YamlNode* route = map.Get("route");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (route == nullptr) return document.MakeError("no route provided in config");
  TOCSIN_ASSIGN(out->route, ParseRoute(*route, warnings));
  std::set<std::string> used;
  TOCSIN_RETURN_IF_ERROR(CheckRoute(out->route, {}, *route, *out, used));
  for (const ReceiverConfig& receiver : out->receivers) {
    if (used.contains(receiver.name)) continue;
    for (const Error& error : receiver.unsupported) warnings.push_back(error.message());
  }
  TOCSIN_RETURN_IF_ERROR(LoadTemplates(file, files, *out));
  if (const YamlNode* receivers = document.Find("receivers")) {
    CheckTexts(*receivers, out->functions, warnings);
  }
  return ConfigPtr(std::move(out));
}

ConfigSummary Summarize(const AlertmanagerConfig& config) {
  return {.global = true,
          .route = true,
          .inhibit_rules = config.inhibit_rules.size(),
          .receivers = config.receivers.size(),
          .templates = config.template_globs.size()};
}

}  // namespace tocsin::alerting
