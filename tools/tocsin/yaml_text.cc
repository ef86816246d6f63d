#include "tools/tocsin/yaml_text.h"

#include <algorithm>
#include <array>

#include "storage/base/json.h"

namespace tocsin {
namespace {

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// Whether a YAML 1.1 reader would take the plain text for a number, a time or the like. Wide rather
// than exact: quotes do no harm.
bool LooksLikeAnotherType(std::string_view text) {
  static constexpr std::array<std::string_view, 14> kWords = {
      "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=", ".nan"};
  const std::string lower = LowerCase(text);
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return true;
  const bool numeric = lower.find_first_not_of("0123456789abcdefox_.:+-tz ") == std::string::npos;
  const size_t first = lower.find_first_not_of("+-.");
  if (lower.ends_with(".inf")) return true;
  // "10.0.0.1:9100" is a host: two dots are no number, and what follows them no sexagesimal one.
  return numeric && first != std::string::npos && lower[first] >= '0' && lower[first] <= '9' &&
         std::count(lower.begin(), lower.end(), '.') < 2;
}

bool HasSpecial(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

bool MayBePlain(std::string_view text, bool in_flow) {
  constexpr std::string_view kFirst = "#,[]{}&*!|>'\"%@`";
  if (text.front() == ' ' || text.back() == ' ' || kFirst.find(text.front()) != std::string::npos)
    return false;
  if (text.starts_with("---") || text.starts_with("...")) return false;
  const auto blank_after = [&](size_t i) { return i + 1 == text.size() || text[i + 1] == ' '; };
  if ((text[0] == '-' || text[0] == '?' || text[0] == ':') && blank_after(0)) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':' && blank_after(i)) return false;
    if (text[i] == '#' && i > 0 && text[i - 1] == ' ') return false;
    if (in_flow && std::string_view(",?[]{}:").find(text[i]) != std::string::npos) return false;
  }
  return true;
}

void Append(const YamlText& node, size_t indent, std::string& out);

void AppendMap(const YamlText& node, size_t indent, std::string& out) {
  bool first = true;
  for (const auto& [key, value] : node.members) {
    if (!first) out.append(indent, ' ');
    first = false;
    out += YamlScalar(key) + ":";
    Append(value, indent, out);
  }
}

// After "key:", whose column is `indent`; ends with a newline. As in Go's printer a list stands
// below its key without being indented.
void Append(const YamlText& node, size_t indent, std::string& out) {
  switch (node.kind) {
    case YamlText::Kind::kPlain:
      out += " " + node.text + "\n";
      return;
    case YamlText::Kind::kString:
      out += " " + YamlScalar(node.text) + "\n";
      return;
    case YamlText::Kind::kFlowList: {
      out += " [";
      for (size_t i = 0; i < node.items.size(); ++i)
        out += (i == 0 ? "" : ", ") + YamlScalar(node.items[i].text, true);
      out += "]\n";
      return;
    }
    case YamlText::Kind::kMap:
      if (node.members.empty()) {
        out += " {}\n";
        return;
      }
      out += '\n';
      out.append(indent + 2, ' ');
      AppendMap(node, indent + 2, out);
      return;
    case YamlText::Kind::kList:
      if (node.items.empty()) {
        out += " []\n";
        return;
      }
      out += '\n';
      for (const YamlText& item : node.items) {
        out.append(indent, ' ');
        out += '-';
        if (item.kind == YamlText::Kind::kMap && !item.members.empty()) {
          out += ' ';
          AppendMap(item, indent + 2, out);
        } else {
          Append(item, indent + 2, out);
        }
      }
      return;
  }
}

}  // namespace

std::string YamlScalar(std::string_view text, bool in_flow) {
  std::string out;
  if (LooksLikeAnotherType(text) || HasSpecial(text)) {
    AppendJsonString(out, text);  // a JSON string is a double-quoted scalar
  } else if (MayBePlain(text, in_flow)) {
    out = text;
  } else {
    out = "'";
    for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    out += "'";
  }
  return out;
}

std::string YamlText::Print() const {
  std::string out;
  if (members.empty()) return "{}\n";
  AppendMap(*this, 0, out);
  return out;
}

}  // namespace tocsin
