#include <fmt/format.h>

#include "ingest/discovery/discoverer.h"
#include "storage/base/json.h"

namespace tocsin::ingest {
namespace {

constexpr std::string_view kAddressLabel = "__address__";

Error Bad(const std::string& source, size_t index, std::string_view what) {
  return InvalidArgument(fmt::format("{}: target group {}: {}", source, index, what));
}

Status AddLabel(LabelsBuilder& labels, std::string_view name, std::string_view value) {
  if (!IsValidLabelName(name))
    return InvalidArgument(fmt::format("\"{}\" is not a valid label name", name));
  if (!IsValidUtf8(value))
    return InvalidArgument(fmt::format("\"{}\" is not a valid label value", value));
  labels.Set(name, value);
  return OkStatus();
}

Result<TargetGroup> GroupFromJson(const JsonValue& value, const std::string& source, size_t index) {
  const auto* object = value.AsObject();
  if (object == nullptr) return Bad(source, index, "expected an object with targets and labels");
  TargetGroup group;
  group.source = fmt::format("{}:{}", source, index);
  LabelsBuilder labels;
  for (const auto& [key, member] : *object) {
    if (key == "targets") {
      if (member.is_null()) continue;
      const auto* targets = member.AsArray();
      if (targets == nullptr) return Bad(source, index, "targets: expected a list");
      for (const JsonValue& target : *targets) {
        const std::string* address = target.AsString();
        if (address == nullptr) return Bad(source, index, "targets: expected strings");
        group.targets.push_back(Labels{{kAddressLabel, *address}});
      }
    } else if (key == "labels") {
      if (member.is_null()) continue;
      const auto* map = member.AsObject();
      if (map == nullptr) return Bad(source, index, "labels: expected an object");
      for (const auto& [name, text] : *map) {
        if (text.AsString() == nullptr) return Bad(source, index, "labels: expected strings");
        if (auto status = AddLabel(labels, name, *text.AsString()); !status.ok())
          return Bad(source, index, status.error().message());
      }
    } else {
      return Bad(source, index, fmt::format("unknown field \"{}\"", key));
    }
  }
  group.labels = labels.Build();
  return group;
}

}  // namespace

Result<TargetGroup> ParseTargetGroup(const YamlNode& node, const std::string& source) {
  if (node.is_null()) return node.MakeError("empty or null section in static_configs");
  StrictMap map(node, "target group");
  std::vector<std::string> targets;
  map.Read("targets", &targets);
  TargetGroup group;
  group.source = source;
  LabelsBuilder labels;
  if (const YamlNode* list = map.Get("labels")) {
    auto pairs = YamlStringMap(*list);
    if (!pairs.ok()) {
      map.Fail(pairs.error());
    } else {
      for (const auto& [name, value] : *pairs) {
        if (auto status = AddLabel(labels, name, value); !status.ok())
          map.FailAt("labels", status.error().message());
      }
    }
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  group.labels = labels.Build();
  for (const std::string& address : targets)
    group.targets.push_back(Labels{{kAddressLabel, address}});
  return group;
}

Result<std::vector<TargetGroup>> ParseTargetGroups(std::string_view text, const std::string& source,
                                                   bool json) {
  std::vector<TargetGroup> out;
  if (json) {
    auto value = ParseJson(text);
    if (!value.ok()) return value.error().WithContext(source);
    const auto* groups = value->AsArray();
    if (groups == nullptr)
      return InvalidArgument(source + ": expected a list of {targets, labels}");
    for (const JsonValue& item : *groups) {
      TOCSIN_ASSIGN(TargetGroup group, GroupFromJson(item, source, out.size()));
      out.push_back(std::move(group));
    }
    return out;
  }
  TOCSIN_ASSIGN(const YamlNode root, ParseYaml(text, source));
  if (root.is_null()) return out;
  if (root.kind != YamlNode::Kind::kSequence)
    return root.MakeError("expected a list of {targets, labels}");
  for (const YamlNode& item : root.items) {
    TOCSIN_ASSIGN(TargetGroup group,
                  ParseTargetGroup(item, fmt::format("{}:{}", source, out.size())));
    out.push_back(std::move(group));
  }
  return out;
}

}  // namespace tocsin::ingest
