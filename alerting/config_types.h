// The parsed alertmanager.yml. Private to the folder. Immutable after loading.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alerting/config.h"
#include "alerting/notify/notifier.h"
#include "alerting/notify/secret_source.h"
#include "alerting/template/template.h"
#include "alerting/time_interval.h"
#include "storage/base/time.h"
#include "storage/config/transport_config.h"
#include "storage/model/matcher.h"

namespace tocsin::alerting {

using TransportConfigPtr = std::shared_ptr<const TransportConfig>;

struct HostPort {
  std::string host;
  uint16_t port = 0;
};
// "host:port", both needed; an IPv6 address in brackets.
Result<HostPort> ParseHostPort(std::string_view text);

// The defaults of receivers.
struct GlobalConfig {
  Duration resolve_timeout{300'000};
  TransportConfigPtr http = std::make_shared<TransportConfig>();

  std::string smtp_from;
  std::string smtp_hello = "localhost";
  std::optional<HostPort> smtp_smarthost;
  std::string smtp_auth_username;
  SecretSource smtp_auth_password;
  SecretSource smtp_auth_secret;
  std::string smtp_auth_identity;
  bool smtp_require_tls = true;
  TlsConfig smtp_tls;
  std::optional<bool> smtp_force_implicit_tls;

  SecretSource slack_api_url;
  SecretSource slack_app_token;
  std::string slack_app_url = "https://slack.com/api/chat.postMessage";
  std::string pagerduty_url = "https://events.pagerduty.com/v2/enqueue";
};

// A node of the routing tree as written; what is not set comes from the parent (route.h).
struct RouteConfig {
  std::string receiver;
  std::optional<std::vector<std::string>> group_by;  // {"..."}: all labels
  std::optional<Duration> group_wait, group_interval, repeat_interval;
  std::vector<Matcher> matchers;
  bool keep_going = false;  // `continue`
  std::vector<std::string> mute_time_intervals;
  std::vector<std::string> active_time_intervals;
  std::map<std::string, std::string> labels;  // templates
  std::vector<RouteConfig> routes;
};

struct InhibitRuleConfig {
  std::string name;
  std::vector<Matcher> source;
  std::vector<Matcher> target;
  std::vector<std::string> equal;
};

struct ReceiverConfig {
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<std::unique_ptr<IntegrationConfig>> integrations;
  std::vector<Error> unsupported;  // sections of kinds that this build does not have
};

struct AlertmanagerConfig {
  GlobalConfig global;
  RouteConfig route;
  std::vector<InhibitRuleConfig> inhibit_rules;
  std::vector<ReceiverConfig> receivers;
  std::map<std::string, TimeInterval> time_intervals;
  std::vector<std::string> template_globs;
  size_t template_files = 0;
  TemplateSet templates;    // the built-in definitions and those of the files
  FunctionTable functions;  // what they were parsed with
  YamlNode document;        // as written, for showing
  uint64_t hash = 0;        // of the text
};

// What a file may use in place of a secret: `key` or `key_file`, at most one.
void ReadSecret(StrictMap& map, const std::string& key, const std::string& base_file,
                SecretSource* out);
// An http or https URL with a host (or `<secret>`, so that a shown configuration loads again).
Status CheckUrl(const YamlNode& node, std::string_view url);
// An http_config section; `fallback` when absent.
Result<TransportConfigPtr> ReadHttpConfig(StrictMap& map, const std::string& base_file,
                                          TransportConfigPtr fallback);
// A Go duration (`90s`, `1m30s`), 0 when absent.
Duration ReadGoDuration(StrictMap& map, std::string_view key);

Result<GlobalConfig> ParseGlobal(const YamlNode& node, const std::string& base_file,
                                 ConfigWarnings& warnings);
Result<RouteConfig> ParseRoute(const YamlNode& node, ConfigWarnings& warnings);
Result<std::vector<InhibitRuleConfig>> ParseInhibitRules(const YamlNode& node);
Result<ReceiverConfig> ParseReceiver(const YamlNode& node, const GlobalConfig& global,
                                     const std::string& base_file, ConfigWarnings& warnings);

// The document with defaults filled in and secrets as <secret>; loads again.
std::string ShowConfig(const AlertmanagerConfig& config);

}  // namespace tocsin::alerting
