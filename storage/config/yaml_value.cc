// Typed values of single YAML nodes; declared in storage/config/yaml_reader.h.
#include <fmt/format.h>

#include <cmath>

#include "storage/base/number.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/duration.h"

namespace tocsin {
namespace {

std::string Shown(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a mapping";
    case YamlNode::Kind::kScalar:
      break;
  }
  constexpr size_t kMaxShown = 60;
  return fmt::format("`{}`{}", node.scalar.substr(0, kMaxShown),
                     node.scalar.size() > kMaxShown ? "..." : "");
}

Error Unexpected(const YamlNode& node, std::string_view wanted) {
  return node.MakeError(fmt::format("expected {}, got {}", wanted, Shown(node)));
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (word == text) return true;
  return false;
}

// The value of a scalar by a parser that does not know where the text stands.
template <typename T, typename F>
Result<T> Scalar(const YamlNode& node, std::string_view wanted, F parse) {
  if (node.kind != YamlNode::Kind::kScalar) return Unexpected(node, wanted);
  auto value = parse(node.scalar);
  if (!value.ok()) return node.MakeError(value.error().message());
  return T(*value);
}

}  // namespace

YamlNode::YamlNode() = default;
YamlNode::YamlNode(const YamlNode&) = default;
YamlNode::YamlNode(YamlNode&&) noexcept = default;
YamlNode& YamlNode::operator=(const YamlNode&) = default;
YamlNode& YamlNode::operator=(YamlNode&&) noexcept = default;
YamlNode::~YamlNode() = default;

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const auto& member : members)
    if (member.first.scalar == key) return &member.second;
  return nullptr;
}

Error YamlNode::MakeError(std::string_view message) const {
  return InvalidArgument(fmt::format("{}:{}:{}: {}", file, line, column, message));
}

Result<std::string> YamlString(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar) return Unexpected(node, "a string");
  return node.scalar;
}

Result<bool> YamlBool(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar && !node.quoted) {
    if (IsOneOf(node.scalar,
                {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"}))
      return true;
    if (IsOneOf(node.scalar,
                {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"}))
      return false;
  }
  return Unexpected(node, "true or false");
}

Result<double> YamlDouble(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar && !node.quoted) {
    const std::string& text = node.scalar;
    if (const auto value = ParseFloat(text)) return *value;
    if (IsOneOf(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return HUGE_VAL;
    if (IsOneOf(text, {"-.inf", "-.Inf", "-.INF"})) return -HUGE_VAL;
    if (IsOneOf(text, {".nan", ".NaN", ".NAN"})) return std::nan("");
  }
  return Unexpected(node, "a number");
}

Result<int64_t> YamlInt(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar && !node.quoted) {
    std::string_view text = node.scalar;
    if (text.starts_with('+')) text.remove_prefix(1);
    // YAML 1.1 reads 010 as eight, people as ten: refuse it.
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    const bool octal =
        digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
    if (const auto value = ParseInt(text); value && !octal) return *value;
    // 5e7 is a whole number, too.
    if (const auto value = ParseFloat(text);
        value && !octal && std::trunc(*value) == *value && std::fabs(*value) < 0x1p63)
      return static_cast<int64_t>(*value);
  }
  return Unexpected(node, "an integer");
}

Result<Duration> YamlDuration(const YamlNode& node) {
  return Scalar<Duration>(node, "a duration", ParseDuration);
}

Result<uint64_t> YamlByteSize(const YamlNode& node) {
  return Scalar<uint64_t>(node, "a byte size", ParseByteSize);
}

Result<std::vector<std::string>> YamlStringList(const YamlNode& node) {
  std::vector<std::string> out;
  if (node.is_null()) return out;
  if (node.kind != YamlNode::Kind::kSequence) return Unexpected(node, "a list of strings");
  for (const YamlNode& item : node.items) {
    if (item.is_null()) {
      out.emplace_back();
      continue;
    }
    TOCSIN_ASSIGN(std::string text, YamlString(item));
    out.push_back(std::move(text));
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> YamlStringMap(const YamlNode& node) {
  std::vector<std::pair<std::string, std::string>> out;
  if (node.is_null()) return out;
  if (node.kind != YamlNode::Kind::kMap) return Unexpected(node, "a mapping of strings");
  for (const auto& [key, value] : node.members) {
    std::string text;
    if (!value.is_null()) {
      TOCSIN_ASSIGN(text, YamlString(value));
    }
    out.emplace_back(key.scalar, std::move(text));
  }
  return out;
}

}  // namespace tocsin
