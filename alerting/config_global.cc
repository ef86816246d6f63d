// The `global` section and what the sections of receivers share with it.
#include <array>

#include "alerting/config_types.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

// Keys of kinds of receivers that this build does not have: checked as text and kept for showing.
constexpr std::array kOtherKindsText = {
    "opsgenie_api_key",         "opsgenie_api_key_file",      "victorops_api_key",
    "victorops_api_key_file",   "wechat_api_secret",          "wechat_api_secret_file",
    "wechat_api_corp_id",       "telegram_bot_token",         "telegram_bot_token_file",
    "rocketchat_token",         "rocketchat_token_file",      "rocketchat_token_id",
    "rocketchat_token_id_file", "mattermost_webhook_url_file"};
constexpr std::array kOtherKindsUrls = {
    "opsgenie_api_url", "victorops_api_url",  "wechat_api_url",         "telegram_api_url",
    "webex_api_url",    "rocketchat_api_url", "mattermost_webhook_url", "jira_api_url"};

void ReadUrl(StrictMap& map, std::string_view key, std::string* out) {
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return;
  auto text = YamlString(*node);
  if (!text.ok()) return map.Fail(text.error());
  if (auto status = CheckUrl(*node, *text); !status.ok()) return map.Fail(status.error());
  *out = std::move(*text);
}

void ReadSmtp(StrictMap& map, const std::string& base_file, GlobalConfig& out) {
  map.Read("smtp_from", &out.smtp_from);
  map.Read("smtp_hello", &out.smtp_hello);
  if (const YamlNode* node = map.Get("smtp_smarthost")) {
    auto text = YamlString(*node);
    if (!text.ok()) return map.Fail(text.error());
    auto parsed = ParseHostPort(*text);
    if (!parsed.ok()) return map.FailAt("smtp_smarthost", parsed.error().message());
    out.smtp_smarthost = *parsed;
  }
  map.Read("smtp_auth_username", &out.smtp_auth_username);
  ReadSecret(map, "smtp_auth_password", base_file, &out.smtp_auth_password);
  ReadSecret(map, "smtp_auth_secret", base_file, &out.smtp_auth_secret);
  map.Read("smtp_auth_identity", &out.smtp_auth_identity);
  map.Read("smtp_require_tls", &out.smtp_require_tls);
  if (const YamlNode* node = map.Get("smtp_tls_config")) {
    auto tls = ReadTlsConfig(*node, base_file);
    if (!tls.ok()) return map.Fail(tls.error());
    out.smtp_tls = *tls;
  }
  if (map.Has("smtp_force_implicit_tls")) {
    bool implicit = false;
    map.Read("smtp_force_implicit_tls", &implicit);
    out.smtp_force_implicit_tls = implicit;
  }
}

void ReadOtherKinds(StrictMap& map) {
  std::string ignored;
  for (const char* key : kOtherKindsText) map.Read(key, &ignored);
  for (const char* key : kOtherKindsUrls) ReadUrl(map, key, &ignored);
}

}  // namespace

Result<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool plain_host = bracketed || host.find(':') == std::string_view::npos;
  const auto port =
      colon == std::string_view::npos ? std::nullopt : ParseUint(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535 || !plain_host) {
    return InvalidArgument("address " + std::string(text) + ": want host:port, port is missing");
  }
  return HostPort{std::string(host), static_cast<uint16_t>(*port)};
}

void ReadSecret(StrictMap& map, const std::string& key, const std::string& base_file,
                SecretSource* out) {
  std::string value, file;
  map.Read(key, &value);
  map.Read(key + "_file", &file);
  if (!value.empty() && !file.empty()) {
    return map.FailAt(key, "at most one of " + key + " & " + key + "_file must be configured");
  }
  if (!value.empty()) *out = {Secret(std::move(value)), {}};
  if (!file.empty()) *out = {Secret(), ResolvePath(base_file, file)};
}

Status CheckUrl(const YamlNode& node, std::string_view url) {
  if (url == kSecretText) return OkStatus();
  const size_t colon = url.find("://");
  const std::string_view scheme = url.substr(0, colon == std::string_view::npos ? 0 : colon);
  if (scheme != "http" && scheme != "https") {
    return node.MakeError("unsupported scheme \"" + std::string(scheme) +
                          "\" for URL: want http:// or https://");
  }
  const std::string_view rest = url.substr(colon + 3);
  std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (const size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  if (host.empty() || host.starts_with(':')) return node.MakeError("missing host for URL");
  for (unsigned char c : url) {
    if (c <= ' ' || c == 0x7f) return node.MakeError("white space or control byte in URL");
  }
  return OkStatus();
}

Result<TransportConfigPtr> ReadHttpConfig(StrictMap& map, const std::string& base_file,
                                          TransportConfigPtr fallback) {
  const YamlNode* node = map.Get("http_config");
  if (node == nullptr) return fallback;
  StrictMap http(*node, "http_config");
  TOCSIN_ASSIGN(TransportConfig config, ReadTransportConfig(http, base_file));
  TOCSIN_RETURN_IF_ERROR(http.Finish());
  return TransportConfigPtr(std::make_shared<TransportConfig>(std::move(config)));
}

Duration ReadGoDuration(StrictMap& map, std::string_view key) {
  std::string text;
  map.Read(key, &text);
  if (text.empty()) return Duration{0};
  const auto parsed = ParseGoDuration(text);
  if (!parsed.ok()) {
    map.FailAt(key, parsed.error().message());
    return Duration{0};
  }
  if (parsed->count() < 0) map.FailAt(key, std::string(key) + " must not be negative");
  return std::chrono::ceil<Duration>(*parsed);
}

Result<GlobalConfig> ParseGlobal(const YamlNode& node, const std::string& base_file,
                                 ConfigWarnings& /*warnings*/) {
  GlobalConfig out;
  StrictMap map(node, "global");
  map.Read("resolve_timeout", &out.resolve_timeout);
  TOCSIN_ASSIGN(out.http, ReadHttpConfig(map, base_file, out.http));
  ReadSmtp(map, base_file, out);

  ReadSecret(map, "slack_api_url", base_file, &out.slack_api_url);
  if (const YamlNode* url = map.Get("slack_api_url")) {
    TOCSIN_RETURN_IF_ERROR(CheckUrl(*url, url->scalar));
  }
  ReadSecret(map, "slack_app_token", base_file, &out.slack_app_token);
  ReadUrl(map, "slack_app_url", &out.slack_app_url);
  if (!out.slack_api_url.empty() && !out.slack_app_token.empty() &&
      out.slack_api_url.value.Reveal() != out.slack_app_url) {
    map.FailAt("slack_app_token",
               "at most one of slack_api_url and slack_app_token must be configured");
  }
  ReadUrl(map, "pagerduty_url", &out.pagerduty_url);
  ReadOtherKinds(map);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return out;
}

}  // namespace tocsin::alerting
