// The configuration as /api/v2/status shows it: as written, with defaults filled in and without
// its secrets. It loads again, here and in amtool.
#include <algorithm>
#include <array>
#include <set>

#include "alerting/config_types.h"
#include "alerting/notify/registry.h"

namespace tocsin::alerting {
namespace {

struct DefaultMember {
  std::string_view section;  // "global", or the key of a kind of receivers
  std::string_view key;
  std::string_view value;
  bool quoted = false;
};

constexpr DefaultMember kDefaults[] = {
    {"global", "resolve_timeout", "5m"},
    {"global", "smtp_hello", "localhost"},
    {"global", "smtp_require_tls", "true"},
    {"global", "pagerduty_url", "https://events.pagerduty.com/v2/enqueue"},
    {"global", "opsgenie_api_url", "https://api.opsgenie.com/"},
    {"global", "wechat_api_url", "https://qyapi.weixin.qq.com/cgi-bin/"},
    {"global", "victorops_api_url",
     "https://alert.victorops.com/integrations/generic/20131114/alert/"},
    {"global", "telegram_api_url", "https://api.telegram.org"},
    {"global", "webex_api_url", "https://webexapis.com/v1/messages"},
    {"webhook_configs", "send_resolved", "true"},
    {"webhook_configs", "max_alerts", "0"},
    {"pagerduty_configs", "send_resolved", "true"},
    {"pagerduty_configs", "client", R"({{ template "pagerduty.default.client" . }})", true},
    {"pagerduty_configs", "client_url", R"({{ template "pagerduty.default.clientURL" . }})", true},
    {"pagerduty_configs", "description", R"({{ template "pagerduty.default.description" .}})",
     true},
    {"slack_configs", "send_resolved", "false"},
    {"slack_configs", "username", R"({{ template "slack.default.username" . }})", true},
    {"slack_configs", "color", R"({{ if eq .Status "firing" }}danger{{ else }}good{{ end }})",
     true},
    {"slack_configs", "title", R"({{ template "slack.default.title" . }})", true},
    {"slack_configs", "title_link", R"({{ template "slack.default.titlelink" . }})", true},
    {"slack_configs", "pretext", R"({{ template "slack.default.pretext" . }})", true},
    {"slack_configs", "text", R"({{ template "slack.default.text" . }})", true},
    {"slack_configs", "footer", R"({{ template "slack.default.footer" . }})", true},
    {"slack_configs", "fallback", R"({{ template "slack.default.fallback" . }})", true},
    {"email_configs", "send_resolved", "false"},
    {"email_configs", "html", R"({{ template "email.default.html" . }})", true},
};

constexpr std::array<std::string_view, 28> kSecretKeys = {"smtp_auth_password",
                                                          "smtp_auth_secret",
                                                          "auth_password",
                                                          "auth_secret",
                                                          "slack_api_url",
                                                          "slack_app_token",
                                                          "app_token",
                                                          "secret_key",
                                                          "service_key",
                                                          "routing_key",
                                                          "password",
                                                          "credentials",
                                                          "bearer_token",
                                                          "client_secret",
                                                          "opsgenie_api_key",
                                                          "victorops_api_key",
                                                          "api_key",
                                                          "wechat_api_secret",
                                                          "api_secret",
                                                          "telegram_bot_token",
                                                          "bot_token",
                                                          "rocketchat_token",
                                                          "rocketchat_token_id",
                                                          "mattermost_webhook_url",
                                                          "webhook_url",
                                                          "user_key",
                                                          "token",
                                                          "alert_source_token"};

// Maps of the user's own names: nothing in them is a setting.
constexpr std::array<std::string_view, 4> kFreeMaps = {"details", "headers", "payload", "labels"};

YamlNode Scalar(std::string_view text, bool quoted = false) {
  YamlNode out;
  out.kind = YamlNode::Kind::kScalar;
  out.scalar = text;
  out.quoted = quoted;
  return out;
}

template <size_t N>
bool Contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// A URL whose path or user may be secret: scheme and host stay, as amtool wants a URL here.
std::string HideBehindHost(const std::string& url) {
  const size_t colon = url.find("://");
  if (colon == std::string::npos) return std::string(kSecretText);
  const size_t path = url.find_first_of("/?#", colon + 3);
  std::string host = url.substr(colon + 3, path == std::string::npos ? path : path - colon - 3);
  if (const size_t at = host.rfind('@'); at != std::string::npos) host.erase(0, at + 1);
  const bool bare = path == std::string::npos || path + 1 == url.size();
  return url.substr(0, colon + 3) + host + (bare ? "" : "/" + std::string(kSecretText));
}

void HideTexts(YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar) node = Scalar(kSecretText);
  for (YamlNode& item : node.items) HideTexts(item);
}

void HideSecrets(YamlNode& node, std::string_view section) {
  for (YamlNode& item : node.items) HideSecrets(item, section);
  for (auto& [key, value] : node.members) {
    const std::string& name = key.scalar;
    if (Contains(kFreeMaps, name)) continue;
    const bool has_text = value.kind == YamlNode::Kind::kScalar && !value.scalar.empty();
    if (name == "secrets") {
      for (YamlNode& item : value.items) item = Scalar(kSecretText);
    } else if (name == "proxy_connect_header") {
      for (auto& header : value.members) HideTexts(header.second);
    } else if (!has_text) {
      HideSecrets(value, name.ends_with("tls_config") ? "tls_config" : section);
    } else if (Contains(kSecretKeys, name) || (section == "slack_configs" && name == "api_url") ||
               (section == "tls_config" && name == "key")) {
      value = Scalar(kSecretText);
    } else if ((section == "webhook_configs" && name == "url") || name == "proxy_url") {
      value = Scalar(HideBehindHost(value.scalar));
    }
  }
}

void FillIn(YamlNode& node, std::string_view section) {
  if (node.is_null()) node.kind = YamlNode::Kind::kMap;
  for (const DefaultMember& d : kDefaults) {
    if (d.section != section) continue;
    const YamlNode* set = node.Find(d.key);
    if (set != nullptr) continue;
    node.members.emplace_back(Scalar(d.key), Scalar(d.value, d.quoted));
  }
}

std::string SingleQuoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out.append(c == '\'' ? "''" : std::string(1, c));
  return out + "'";
}

std::string DoubleQuoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append("\\").push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < ' ' || byte == 0x7f) {
      static constexpr char kHex[] = "0123456789abcdef";
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string ScalarText(const YamlNode& node) {
  const std::string& text = node.scalar;
  const bool control =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (control) return DoubleQuoted(text);
  const bool plain =
      !node.quoted && !text.empty() && text.front() != ' ' && text.back() != ' ' &&
      text.back() != ':' && text.find(": ") == std::string::npos &&
      text.find(" #") == std::string::npos &&
      std::string_view("[]{}>|*&!%#`@,\"'").find(text.front()) == std::string_view::npos;
  return plain ? text : SingleQuoted(text);
}

// `indent`: of the node's lines; the first line continues the caller's when `inlined`.
void Emit(std::string& out, const YamlNode& node, size_t indent, bool inlined);

void EmitValue(std::string& out, const YamlNode& value, size_t indent) {
  const bool block = (value.kind == YamlNode::Kind::kMap && !value.members.empty()) ||
                     (value.kind == YamlNode::Kind::kSequence && !value.items.empty());
  if (block) {
    out.push_back('\n');
    return Emit(out, value, value.kind == YamlNode::Kind::kMap ? indent + 2 : indent, false);
  }
  out.push_back(' ');
  Emit(out, value, indent, true);
}

void Emit(std::string& out, const YamlNode& node, size_t indent, bool inlined) {
  const std::string pad(indent, ' ');
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out += "null\n";
      return;
    case YamlNode::Kind::kScalar:
      out += ScalarText(node) + "\n";
      return;
    case YamlNode::Kind::kSequence:
      if (node.items.empty()) out += "[]\n";
      for (const YamlNode& item : node.items) {
        if (!inlined) out += pad;
        inlined = false;
        out += "- ";
        Emit(out, item, indent + 2, true);
      }
      return;
    case YamlNode::Kind::kMap:
      break;
  }
  if (node.members.empty()) out += "{}\n";
  for (const auto& [key, value] : node.members) {
    if (!inlined) out += pad;
    inlined = false;
    out += ScalarText(key) + ":";
    EmitValue(out, value, indent);
  }
}

YamlNode* FindMember(YamlNode& map, std::string_view key) {
  for (auto& [name, value] : map.members) {
    if (name.scalar == key) return &value;
  }
  return nullptr;
}

}  // namespace

std::string ShowConfig(const AlertmanagerConfig& config) {
  YamlNode document = config.document;
  if (FindMember(document, "global") == nullptr) {
    document.members.emplace(document.members.begin(), Scalar("global"), YamlNode{});
  }
  YamlNode& global = *FindMember(document, "global");
  HideSecrets(global, "global");
  FillIn(global, "global");
  if (YamlNode* receivers = FindMember(document, "receivers")) {
    for (YamlNode& receiver : receivers->items) {
      for (const ReceiverKind& kind : ReceiverKinds()) {
        YamlNode* sections = FindMember(receiver, kind.key);
        if (sections == nullptr) continue;
        for (YamlNode& section : sections->items) {
          HideSecrets(section, kind.key);
          FillIn(section, kind.key);
        }
      }
    }
  }
  std::string out;
  Emit(out, document, 0, false);
  return out;
}

}  // namespace tocsin::alerting
