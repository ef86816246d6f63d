// relabel_configs: pure Labels -> Labels. Semantics: Prometheus' configuration reference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/regex.h"

namespace tocsin {

enum class RelabelAction : uint8_t {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};
Result<RelabelAction> ParseRelabelAction(std::string_view text);  // case-insensitive
std::string_view RelabelActionName(RelabelAction action);

// Checked by storage/config/relabel_config.h when it comes from YAML.
struct RelabelConfig {
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex_text = "(.*)";
  std::optional<Regex> regex;  // REQUIRES: set by Compile() before use
  uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  RelabelAction action = RelabelAction::kReplace;

  Status Compile();
  bool operator==(const RelabelConfig& o) const {
    return source_labels == o.source_labels && separator == o.separator &&
           regex_text == o.regex_text && modulus == o.modulus && target_label == o.target_label &&
           replacement == o.replacement && action == o.action;
  }
};

// Applies the rules in order to `labels` in place; false when a rule drops it.
// Any thread, each with its own builder.
bool Relabel(const std::vector<RelabelConfig>& rules, LabelsBuilder& labels);

}  // namespace tocsin
