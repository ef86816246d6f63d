#include "tools/tocsin/environment.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

namespace tocsin {
namespace {

bool IsNameChar(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Names of one character, as the shell has them; only "$" means something here.
bool IsSpecial(char c) {
  return std::string_view("*#$@!?-0123456789").find(c) != std::string::npos;
}

struct Reference {
  std::optional<std::string_view> name;  // absent: bad syntax, which is dropped
  size_t length = 0;                     // of what follows the dollar; 0: a dollar for itself
};

Reference ReadReference(std::string_view text) {
  if (text.empty()) return {};
  if (text[0] == '{') {
    const size_t close = text.find('}');
    if (close == std::string_view::npos) return {std::nullopt, 1};
    if (close == 1) return {std::nullopt, 2};
    return {text.substr(1, close - 1), close + 1};
  }
  if (IsSpecial(text[0])) return {text.substr(0, 1), 1};
  size_t end = 0;
  while (end < text.size() && IsNameChar(text[end])) ++end;
  return {text.substr(0, end), end};
}

std::string Expand(const YamlNode& node, ConfigWarnings& warnings) {
  std::string out;
  std::string_view rest = node.scalar;
  while (!rest.empty()) {
    const size_t dollar = std::min(rest.find('$'), rest.size());
    out += rest.substr(0, dollar);
    if (dollar == rest.size()) break;
    rest.remove_prefix(dollar + 1);
    const Reference reference = ReadReference(rest);
    rest.remove_prefix(reference.length);
    if (reference.length == 0 || reference.name == "$") {
      out += '$';
    } else if (reference.name) {
      const char* value = std::getenv(std::string(*reference.name).c_str());
      if (value == nullptr || *value == '\0') {
        warnings.push_back(
            node.MakeError(fmt::format("Empty environment variable {}", *reference.name))
                .message());
      } else {
        out += value;
      }
    }
  }
  return out;
}

YamlNode* Member(YamlNode* map, std::string_view key) {
  if (map == nullptr) return nullptr;
  for (auto& [name, value] : map->members)
    if (name.scalar == key) return &value;
  return nullptr;
}

}  // namespace

void ExpandExternalLabels(YamlNode& root, ConfigWarnings& warnings) {
  YamlNode* labels = Member(Member(&root, "global"), "external_labels");
  if (labels == nullptr) return;
  for (auto& [name, value] : labels->members)
    if (value.scalar.find('$') != std::string::npos) value.scalar = Expand(value, warnings);
}

}  // namespace tocsin
