#include "alerting/notify/yaml_json.h"

#include <algorithm>
#include <map>
#include <optional>

#include "storage/base/json.h"
#include "storage/base/number.h"

namespace tocsin::alerting {
namespace {

// The bool that a plain YAML 1.1 scalar stands for.
std::optional<bool> PlainBool(const std::string& text) {
  for (const char* word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
    if (text == word) return true;
  }
  for (const char* word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

// A finite decimal number; "1e400", "inf" and the like stay text, as JSON cannot hold them.
bool AppendPlainNumber(std::string& out, const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (const auto v = ParseInt(digits)) {
    out += std::to_string(*v);
    return true;
  }
  if (digits.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return false;
  const auto v = ParseFloat(digits);
  if (!v || *v > 1e300 || *v < -1e300) return false;
  JsonWriter(out).Double(*v);
  return true;
}

bool AppendPlainScalar(std::string& out, const YamlNode& node) {
  if (node.quoted) return false;
  if (const auto b = PlainBool(node.scalar)) {
    out += *b ? "true" : "false";
    return true;
  }
  return AppendPlainNumber(out, node.scalar);
}

void AppendObject(std::string& out, std::map<std::string, std::string> members) {
  out.push_back('{');
  bool first = true;
  for (const auto& [key, json] : members) {
    if (!first) out.push_back(',');
    first = false;
    AppendJsonString(out, key, true);
    out.push_back(':');
    out += json;
  }
  out.push_back('}');
}

// A parsed tree as it is, without rendering.
void AppendTree(std::string& out, const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out += "null";
      return;
    case YamlNode::Kind::kScalar:
      if (!AppendPlainScalar(out, node)) AppendJsonString(out, node.scalar, true);
      return;
    case YamlNode::Kind::kSequence:
      out.push_back('[');
      for (size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out.push_back(',');
        AppendTree(out, node.items[i]);
      }
      out.push_back(']');
      return;
    case YamlNode::Kind::kMap:
      break;
  }
  std::map<std::string, std::string> members;
  for (const auto& [key, value] : node.members) AppendTree(members[key.scalar], value);
  AppendObject(out, std::move(members));
}

}  // namespace

void AppendTypedJson(std::string& out, const std::string& text) {
  const auto node = ParseYaml(text, "rendered");
  if (!node.ok() || node->is_null()) return AppendJsonString(out, text, true);
  if (node->kind != YamlNode::Kind::kScalar) return AppendTree(out, *node);
  if (!AppendPlainScalar(out, *node)) AppendJsonString(out, text, true);
}

void AppendRenderedJson(std::string& out, const YamlNode& node, Renderer& renderer,
                        std::string_view field) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out += "null";
      return;
    case YamlNode::Kind::kScalar:
      if (node.quoted || !AppendPlainScalar(out, node)) {
        AppendTypedJson(out, renderer.Text(field, node.scalar));
      }
      return;
    case YamlNode::Kind::kSequence:
      out.push_back('[');
      for (size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out.push_back(',');
        AppendRenderedJson(out, node.items[i], renderer, field);
      }
      out.push_back(']');
      return;
    case YamlNode::Kind::kMap:
      break;
  }
  std::map<std::string, std::string> members;
  for (const auto& [key, value] : node.members) {
    std::string& json = members[renderer.Text(field, key.scalar)];
    json.clear();
    AppendRenderedJson(json, value, renderer, field);
  }
  AppendObject(out, std::move(members));
}

}  // namespace tocsin::alerting
