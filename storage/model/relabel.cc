#include "storage/model/relabel.h"

#include <array>

#include "storage/base/crypto.h"

namespace tocsin {
namespace {

struct ActionName {
  RelabelAction action;
  std::string_view name;
};

constexpr std::array<ActionName, 11> kActions = {{{RelabelAction::kReplace, "replace"},
                                                  {RelabelAction::kKeep, "keep"},
                                                  {RelabelAction::kDrop, "drop"},
                                                  {RelabelAction::kKeepEqual, "keepequal"},
                                                  {RelabelAction::kDropEqual, "dropequal"},
                                                  {RelabelAction::kHashMod, "hashmod"},
                                                  {RelabelAction::kLabelMap, "labelmap"},
                                                  {RelabelAction::kLabelDrop, "labeldrop"},
                                                  {RelabelAction::kLabelKeep, "labelkeep"},
                                                  {RelabelAction::kLowercase, "lowercase"},
                                                  {RelabelAction::kUppercase, "uppercase"}}};

char AsciiLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Simple case mapping of Latin, Greek, Cyrillic and Armenian; others have one case or are rare
// enough in label values to stay as they are.
int MapCase(int rune, bool upper) {
  const auto shift = [&](int first, int last, int distance) {
    if (!upper && rune >= first && rune <= last) return rune + distance;
    if (upper && rune >= first + distance && rune <= last + distance) return rune - distance;
    return 0;
  };
  const auto paired = [&](int first, int last, int odd) {  // upper, lower, upper, lower, ...
    if (rune < first || rune > last) return 0;
    const bool is_upper = (rune & 1) == odd;
    return is_upper == upper ? 0 : (is_upper ? rune + 1 : rune - 1);
  };
  if (rune == 0xd7 || rune == 0xf7 || rune == 0x130 || rune == 0x131) return rune;
  if (rune == 0xff) return upper ? 0x178 : rune;
  if (rune == 0x178) return upper ? rune : 0xff;
  for (const int mapped :
       {shift('A', 'Z', 32), shift(0xc0, 0xde, 32), paired(0x100, 0x137, 0),
        paired(0x139, 0x148, 1), paired(0x14a, 0x177, 0), paired(0x179, 0x17e, 1),
        shift(0x391, 0x3a1, 32), shift(0x3a3, 0x3ab, 32), shift(0x410, 0x42f, 32),
        shift(0x400, 0x40f, 80), paired(0x460, 0x481, 0), paired(0x48a, 0x4bf, 0),
        paired(0x4d0, 0x52f, 0), shift(0x531, 0x556, 48), paired(0x1e00, 0x1e95, 0),
        paired(0x1ea0, 0x1eff, 0)}) {
    if (mapped != 0) return mapped;
  }
  return rune;
}

std::string ChangeCase(std::string_view text, bool upper) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[i + k]); };
    if (byte(0) < 0x80) {
      out += static_cast<char>(MapCase(byte(0), upper));
      ++i;
      continue;
    }
    const size_t length = byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
    if (length > 3 || i + length > text.size() || !IsValidUtf8(text.substr(i, length))) {
      out += text[i++];
      continue;
    }
    const int rune = length == 2
                         ? ((byte(0) & 0x1f) << 6) | (byte(1) & 0x3f)
                         : ((byte(0) & 0x0f) << 12) | ((byte(1) & 0x3f) << 6) | (byte(2) & 0x3f);
    const int mapped = MapCase(rune, upper);
    if (length == 2) {
      out += static_cast<char>(0xc0 | (mapped >> 6));
    } else {
      out += static_cast<char>(0xe0 | (mapped >> 12));
      out += static_cast<char>(0x80 | ((mapped >> 6) & 0x3f));
    }
    out += static_cast<char>(0x80 | (mapped & 0x3f));
    i += length;
  }
  return out;
}

std::string JoinSources(const RelabelConfig& rule, const LabelsBuilder& labels) {
  std::string out;
  for (size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) out += rule.separator;
    out += labels.Get(rule.source_labels[i]);
  }
  return out;
}

void Replace(const RelabelConfig& rule, const std::string& value, LabelsBuilder& labels) {
  std::string target, replacement;
  if (!rule.regex->Expand(value, rule.target_label, &target)) return;
  if (!IsValidLabelName(target)) return;
  rule.regex->Expand(value, rule.replacement, &replacement);
  labels.Set(target, replacement);
}

void HashMod(const RelabelConfig& rule, const std::string& value, LabelsBuilder& labels) {
  const std::array<uint8_t, 16> digest = Md5(value);
  uint64_t hash = 0;
  for (size_t i = 8; i < 16; ++i) hash = (hash << 8) | digest[i];
  labels.Set(rule.target_label, std::to_string(hash % rule.modulus));
}

void LabelMap(const RelabelConfig& rule, LabelsBuilder& labels) {
  const auto before = labels.pairs();
  std::string name;
  for (const auto& [key, value] : before)
    if (rule.regex->Expand(key, rule.replacement, &name)) labels.Set(name, value);
}

void DropNames(const RelabelConfig& rule, bool drop_matching, LabelsBuilder& labels) {
  std::vector<std::string> names;
  for (const auto& pair : labels.pairs())
    if (rule.regex->Matches(pair.first) == drop_matching) names.push_back(pair.first);
  for (const std::string& name : names) labels.Del(name);
}

bool Apply(const RelabelConfig& rule, LabelsBuilder& labels) {
  switch (rule.action) {
    case RelabelAction::kLabelMap:
      LabelMap(rule, labels);
      return true;
    case RelabelAction::kLabelDrop:
    case RelabelAction::kLabelKeep:
      DropNames(rule, rule.action == RelabelAction::kLabelDrop, labels);
      return true;
    default:
      break;
  }
  const std::string value = JoinSources(rule, labels);
  switch (rule.action) {
    case RelabelAction::kKeep:
      return rule.regex->Matches(value);
    case RelabelAction::kDrop:
      return !rule.regex->Matches(value);
    case RelabelAction::kKeepEqual:
      return labels.Get(rule.target_label) == value;
    case RelabelAction::kDropEqual:
      return labels.Get(rule.target_label) != value;
    case RelabelAction::kHashMod:
      HashMod(rule, value, labels);
      return true;
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
      labels.Set(rule.target_label, ChangeCase(value, rule.action == RelabelAction::kUppercase));
      return true;
    default:
      Replace(rule, value, labels);
      return true;
  }
}

}  // namespace

Result<RelabelAction> ParseRelabelAction(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = AsciiLower(c);
  for (const ActionName& entry : kActions)
    if (entry.name == lower) return entry.action;
  return InvalidArgument("unknown relabel action \"" + std::string(text) + "\"");
}

std::string_view RelabelActionName(RelabelAction action) {
  return kActions[static_cast<size_t>(action)].name;
}

Status RelabelConfig::Compile() {
  TOCSIN_ASSIGN(regex, Regex::Compile(regex_text, Regex::Anchor::kFull));
  return OkStatus();
}

bool Relabel(const std::vector<RelabelConfig>& rules, LabelsBuilder& labels) {
  for (const RelabelConfig& rule : rules)
    if (!Apply(rule, labels)) return false;
  return true;
}

}  // namespace tocsin
