#include "tools/tocsin/config_text.h"

#include <algorithm>
#include <array>

#include "storage/base/json.h"
#include "storage/config/secret.h"
#include "storage/config/url.h"

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 12> kSecretKeys = {"password",
                                                          "credentials",
                                                          "bearer_token",
                                                          "client_secret",
                                                          "secret_key",
                                                          "secrets",
                                                          "client_certificate_key",
                                                          "key",
                                                          "token",
                                                          "proxy_connect_header",
                                                          "api_key",
                                                          "secret"};

bool IsSecretKey(std::string_view key) {
  return std::find(kSecretKeys.begin(), kSecretKeys.end(), key) != kSecretKeys.end();
}

void AppendScalar(const YamlNode& node, bool secret, std::string& out) {
  if (secret) {
    out += kSecretText;
    return;
  }
  const std::string text = WithoutUrlPassword(node.scalar);
  const bool plain = !node.quoted && text == node.scalar &&
                     text.find_first_of("\n\r\t") == std::string::npos && !text.empty();
  if (plain) {
    out += text;
  } else {
    AppendJsonString(out, text);  // a JSON string is a YAML double-quoted scalar
  }
}

void AppendNode(const YamlNode& node, bool secret, size_t indent, std::string& out);

void AppendMap(const YamlNode& node, bool secret, size_t indent, std::string& out) {
  bool first = true;
  for (const auto& [key, value] : node.members) {
    if (!first) out.append(indent, ' ');
    first = false;
    AppendScalar(key, false, out);
    out += ':';
    AppendNode(value, secret || IsSecretKey(key.scalar), indent + 2, out);
  }
}

// After "key:" or "-"; ends with a newline.
void AppendNode(const YamlNode& node, bool secret, size_t indent, std::string& out) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out += '\n';
      return;
    case YamlNode::Kind::kScalar:
      out += ' ';
      AppendScalar(node, secret, out);
      out += '\n';
      return;
    case YamlNode::Kind::kMap:
      if (node.members.empty()) {
        out += " {}\n";
        return;
      }
      out += '\n';
      out.append(indent, ' ');
      AppendMap(node, secret, indent, out);
      return;
    case YamlNode::Kind::kSequence:
      if (node.items.empty()) {
        out += " []\n";
        return;
      }
      out += '\n';
      for (const YamlNode& item : node.items) {
        // "- key: value": a map's first key stands beside the dash.
        out.append(indent - 2, ' ');
        out += '-';
        if (item.kind == YamlNode::Kind::kMap && !item.members.empty()) {
          out += ' ';
          AppendMap(item, secret, indent, out);
        } else {
          AppendNode(item, secret, indent, out);
        }
      }
      return;
  }
}

}  // namespace

std::string ShowConfig(const YamlNode& root) {
  std::string out;
  if (root.kind == YamlNode::Kind::kMap) AppendMap(root, false, 0, out);
  return out;
}

}  // namespace tocsin
