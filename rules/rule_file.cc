#include "rules/rule_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <set>

#include "query/language.h"
#include "rules/template_expander.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"
#include "storage/model/matcher.h"

namespace tocsin::rules {
namespace {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kFile = "rulefmt.RuleGroups";
constexpr std::string_view kGroup = "rulefmt.RuleGroup";
constexpr std::string_view kRule = "rulefmt.Rule";

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

// Go's yaml names kinds and values so.
std::string Describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kSequence:
      return "!!seq";
    case YamlNode::Kind::kMap:
      return "!!map";
    default: {
      const std::string shown =
          node.scalar.size() > 10 ? node.scalar.substr(0, 7) + "..." : node.scalar;
      return fmt::format("!!str `{}`", shown);
    }
  }
}

// A rule or a group with where its parts stand in the file.
struct RuleSource {
  RuleConfig rule;
  const YamlNode* record = nullptr;
  const YamlNode* alert = nullptr;
  const YamlNode* expr = nullptr;
  const YamlNode* labels = nullptr;
  const YamlNode* annotations = nullptr;
};

// Where the name (or the value) of a pair stands in its map.
const YamlNode* NameNode(const YamlNode* map, std::string_view name) {
  if (map == nullptr) return nullptr;
  for (const auto& [key, value] : map->members) {
    if (key.scalar == name) return &key;
  }
  return nullptr;
}
const YamlNode* ValueNode(const YamlNode* map, std::string_view name) {
  return map == nullptr ? nullptr : map->Find(name);
}

class FileReader {
 public:
  FileReader(const std::string& file, const query::Features& features, bool ignore_unknown)
      : file_(file), features_(features), ignore_unknown_(ignore_unknown) {}

  Result<std::vector<GroupConfig>> Read(const YamlNode& root) {
    std::vector<GroupConfig> groups;
    if (!root.is_null()) ReadRoot(root, groups);
    if (!shape_errors_.empty()) {
      return InvalidArgument(file_ + ": yaml: unmarshal errors:" + shape_errors_ + hint_);
    }
    if (!errors_.empty()) return InvalidArgument(std::move(errors_));
    return groups;
  }

 private:
  // --- shape: what the YAML is made of ---------------------------------------------------------

  void ShapeError(const YamlNode& node, std::string_view text) {
    shape_errors_ += fmt::format("\n  line {}: {}", node.line, text);
  }
  bool IsMap(const YamlNode& node, std::string_view type) {
    if (node.kind == YamlNode::Kind::kMap) return true;
    ShapeError(node, fmt::format("cannot unmarshal {} into {}", Describe(node), type));
    return false;
  }
  void RefuseUnknown(const YamlNode& map, std::string_view type,
                     std::initializer_list<std::string_view> known) {
    if (ignore_unknown_) return;
    for (const auto& [key, value] : map.members) {
      if (std::find(known.begin(), known.end(), key.scalar) == known.end()) {
        ShapeError(key, fmt::format("field {} not found in type {}", key.scalar, type));
      }
    }
  }
  const YamlNode* Find(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.Find(key);
    return node == nullptr || node->is_null() ? nullptr : node;
  }
  const YamlNode* ReadString(const YamlNode& map, std::string_view key, std::string* out) {
    const YamlNode* node = Find(map, key);
    if (node == nullptr) return nullptr;
    if (node->kind != YamlNode::Kind::kScalar) {
      ShapeError(*node, fmt::format("cannot unmarshal {} into string", Describe(*node)));
      return nullptr;
    }
    *out = node->scalar;
    return node;
  }
  void ReadDuration(const YamlNode& map, std::string_view key, Duration* out) {
    std::string text;
    const YamlNode* node = ReadString(map, key, &text);
    if (node == nullptr) return;
    auto duration = ParseDuration(text);
    if (duration.ok()) {
      *out = *duration;
    } else {
      Fail(node, duration.error().message());
    }
  }
  // The map of strings, null when there is none.
  const YamlNode* ReadStrings(const YamlNode& map, std::string_view key, StringPairs* out) {
    const YamlNode* node = Find(map, key);
    if (node == nullptr || !IsMap(*node, "map[string]string")) return nullptr;
    for (const auto& [name, value] : node->members) {
      if (value.kind == YamlNode::Kind::kSequence || value.kind == YamlNode::Kind::kMap) {
        ShapeError(value, fmt::format("cannot unmarshal {} into string", Describe(value)));
      } else {
        out->emplace_back(name.scalar, value.scalar);
      }
    }
    return node;
  }

  void ReadRoot(const YamlNode& root, std::vector<GroupConfig>& groups) {
    const bool looks_like_rules =
        root.kind == YamlNode::Kind::kSequence ||
        (root.kind == YamlNode::Kind::kMap && root.Find("groups") == nullptr);
    if (looks_like_rules) {
      hint_ =
          "\n  (a rule file is `groups:` with a list of groups, each with `name:` and `rules:`; "
          "wrap this list in it)";
    }
    if (!IsMap(root, kFile)) return;
    RefuseUnknown(root, kFile, {"groups"});
    const YamlNode* list = Find(root, "groups");
    if (list == nullptr) return;
    if (list->kind != YamlNode::Kind::kSequence) {
      ShapeError(*list, fmt::format("cannot unmarshal {} into []{}", Describe(*list), kGroup));
      return;
    }
    std::set<std::string> names;
    for (const YamlNode& item : list->items) {
      if (item.is_null()) continue;
      ReadGroup(item, groups, names);
    }
  }

  void ReadGroup(const YamlNode& node, std::vector<GroupConfig>& groups,
                 std::set<std::string>& names) {
    if (!IsMap(node, kGroup)) return;
    RefuseUnknown(node, kGroup, {"name", "interval", "query_offset", "limit", "labels", "rules"});
    GroupConfig group;
    group.file = file_;
    ReadString(node, "name", &group.name);
    ReadDuration(node, "interval", &group.interval);
    if (Find(node, "query_offset") != nullptr) {
      ReadDuration(node, "query_offset", &group.query_offset.emplace());
    }
    const YamlNode* labels = ReadStrings(node, "labels", &group.labels);
    ReadLimit(node, &group.limit);
    CheckGroup(node, group, names);
    CheckLabels(group.labels, labels);
    if (const YamlNode* rules = Find(node, "rules"); rules != nullptr) {
      if (rules->kind != YamlNode::Kind::kSequence) {
        ShapeError(*rules, fmt::format("cannot unmarshal {} into []{}", Describe(*rules), kRule));
        return;
      }
      size_t number = 0;
      for (const YamlNode& item : rules->items) {
        ++number;
        if (item.is_null()) continue;
        ReadRule(item, group, number);
      }
    }
    groups.push_back(std::move(group));
  }

  void ReadLimit(const YamlNode& node, int64_t* out) {
    std::string text;
    const YamlNode* limit = ReadString(node, "limit", &text);
    if (limit == nullptr) return;
    if (const auto v = ParseInt(text)) {
      *out = *v;
    } else {
      ShapeError(*limit, fmt::format("cannot unmarshal {} into int", Describe(*limit)));
    }
  }

  void ReadRule(const YamlNode& node, GroupConfig& group, size_t number) {
    if (!IsMap(node, kRule)) return;
    RefuseUnknown(node, kRule,
                  {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"});
    RuleSource source;
    source.record = ReadString(node, "record", &source.rule.record);
    source.alert = ReadString(node, "alert", &source.rule.alert);
    source.expr = ReadString(node, "expr", &source.rule.expr);
    ReadDuration(node, "for", &source.rule.for_);
    ReadDuration(node, "keep_firing_for", &source.rule.keep_firing_for);
    source.labels = ReadStrings(node, "labels", &source.rule.labels);
    source.annotations = ReadStrings(node, "annotations", &source.rule.annotations);
    where_ = fmt::format("group {}, rule {}, {}: ", Quoted(group.name), number,
                         Quoted(source.rule.name()));
    CheckRule(source);
    where_.clear();
    group.rules.push_back(std::move(source.rule));
  }

  // --- meaning ---------------------------------------------------------------------------------

  void Fail(const YamlNode* at, std::string_view text) {
    if (!errors_.empty()) errors_ += '\n';
    errors_ += file_ + ": ";
    if (at != nullptr) errors_ += fmt::format("{}:{}: ", at->line, at->column);
    errors_ += where_;
    errors_ += text;
  }

  void CheckGroup(const YamlNode& node, const GroupConfig& group, std::set<std::string>& names) {
    if (group.name.empty()) Fail(&node, "Groupname must not be empty");
    if (!names.insert(group.name).second) {
      Fail(&node, fmt::format("groupname: {} is repeated in the same file", Quoted(group.name)));
    }
  }

  void CheckLabels(const StringPairs& labels, const YamlNode* map) {
    for (const auto& [name, value] : labels) {
      if (!IsValidLabelName(name) || name == kMetricName) {
        Fail(NameNode(map, name), "invalid label name: " + name);
      }
      if (!IsValidUtf8(value)) Fail(ValueNode(map, name), "invalid label value: " + value);
    }
  }

  void CheckRule(const RuleSource& source) {
    const RuleConfig& rule = source.rule;
    if (!rule.record.empty() && !rule.alert.empty()) {
      Fail(source.record, "only one of 'record' and 'alert' must be set");
    } else if (rule.record.empty() && rule.alert.empty()) {
      Fail(source.record != nullptr ? source.record : source.alert,
           "one of 'record' or 'alert' must be set");
    }
    if (rule.expr.empty()) {
      Fail(source.expr, "field 'expr' must be set in rule");
    } else if (auto parsed = query::CheckQuery(rule.expr, features_); !parsed.ok()) {
      Fail(source.expr, "could not parse expression: " + parsed.error().message());
    }
    if (!rule.record.empty()) CheckRecording(source);
    CheckLabels(rule.labels, source.labels);
    for (const auto& [name, value] : rule.annotations) {
      if (IsValidLabelName(name)) continue;
      Fail(NameNode(source.annotations, name), "invalid annotation name: " + name);
    }
    if (rule.alert.empty()) return;
    CheckTemplates(rule, "label", rule.labels, source.labels);
    CheckTemplates(rule, "annotation", rule.annotations, source.annotations);
  }

  void CheckRecording(const RuleSource& source) {
    const RuleConfig& rule = source.rule;
    if (!rule.annotations.empty()) {
      Fail(source.record, "invalid field 'annotations' in recording rule");
    }
    if (rule.for_.count() != 0) Fail(source.record, "invalid field 'for' in recording rule");
    if (rule.keep_firing_for.count() != 0) {
      Fail(source.record, "invalid field 'keep_firing_for' in recording rule");
    }
    if (!IsValidUtf8(rule.record)) {
      Fail(source.record, "invalid recording rule name: " + rule.record);
    } else if (rule.record.find_first_of("{}") != std::string::npos) {
      Fail(source.record,
           "braces present in the recording rule name; should it be in expr?: " + rule.record);
    }
  }

  void CheckTemplates(const RuleConfig& rule, std::string_view what, const StringPairs& texts,
                      const YamlNode* map) {
    for (const auto& [name, text] : texts) {
      if (auto ok = CheckRuleTemplate(rule.alert, text); !ok.ok()) {
        Fail(ValueNode(map, name),
             fmt::format("{} {}: {}", what, Quoted(name), ok.error().message()));
      }
    }
  }

  const std::string& file_;
  const query::Features& features_;
  const bool ignore_unknown_;
  std::string shape_errors_;
  std::string hint_;
  std::string errors_;
  std::string where_;  // "group "g", rule N, "name": " while a rule is read
};

}  // namespace

Result<std::vector<GroupConfig>> ParseRuleFile(std::string_view text, const std::string& file,
                                               const query::Features& features,
                                               ConfigWarnings& warnings, bool ignore_unknown) {
  TOCSIN_ASSIGN(const YamlNode root, ParseYaml(text, file, &warnings));
  return FileReader(file, features, ignore_unknown).Read(root);
}

}  // namespace tocsin::rules
