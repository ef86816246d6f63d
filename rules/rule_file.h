// Rule files: YAML in, checked groups out. Keys, limits and error texts: Prometheus' rulefmt.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/engine.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/labels.h"

namespace tocsin::rules {

struct RuleConfig {
  std::string record;  // one of the two is set
  std::string alert;
  std::string expr;
  Duration for_{0};
  Duration keep_firing_for{0};
  // Templates in alerting rules; an empty value deletes the label. In the order of the file.
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::pair<std::string, std::string>> annotations;

  const std::string& name() const { return record.empty() ? alert : record; }
  bool operator==(const RuleConfig&) const = default;
};

struct GroupConfig {
  std::string name;
  std::string file;
  Duration interval{0};  // 0: global.evaluation_interval
  std::optional<Duration> query_offset;
  int64_t limit = 0;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<RuleConfig> rules;
  bool operator==(const GroupConfig&) const = default;
};

// kInvalidArgument with all errors of the file, one a line, each "file:line:col: group ...".
// `ignore_unknown`: keys that nobody knows are passed over.
Result<std::vector<GroupConfig>> ParseRuleFile(std::string_view text, const std::string& file,
                                               const query::Features& features,
                                               ConfigWarnings& warnings,
                                               bool ignore_unknown = false);

}  // namespace tocsin::rules
