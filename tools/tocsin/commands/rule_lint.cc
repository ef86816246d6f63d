#include "tools/tocsin/commands/rule_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "storage/base/file_system.h"

namespace tocsin::commands {
namespace {

// Rules are duplicates when name and labels are the same.
using RuleKey = std::pair<std::string, std::map<std::string, std::string>>;

std::vector<RuleKey> Duplicates(const std::vector<rules::GroupConfig>& groups) {
  std::map<RuleKey, int> counts;
  for (const rules::GroupConfig& group : groups)
    for (const rules::RuleConfig& rule : group.rules)
      ++counts[{rule.name(), {rule.labels.begin(), rule.labels.end()}}];
  std::vector<RuleKey> out;
  for (const auto& [key, n] : counts) out.insert(out.end(), static_cast<size_t>(n - 1), key);
  return out;
}

std::string DuplicatesText(const std::vector<RuleKey>& duplicates) {
  std::string text = fmt::format("{} duplicate rule(s) found.\n", duplicates.size());
  for (const auto& [name, labels] : duplicates) {
    text += fmt::format("Metric: {}\nLabel(s):\n", name);
    for (const auto& [key, value] : labels) text += fmt::format("\t{}: {}\n", key, value);
  }
  return text + "Might cause inconsistency while recording expressions";
}

size_t CountRules(const std::vector<rules::GroupConfig>& groups) {
  size_t n = 0;
  for (const rules::GroupConfig& group : groups) n += group.rules.size();
  return n;
}

}  // namespace

Result<query::Features> ReadFeatureNames(const Arguments& arguments) {
  query::Features features;
  const std::map<std::string_view, bool*> known = {
      {"promql-experimental-functions", &features.experimental_functions},
      {"promql-delayed-name-removal", &features.delayed_name_removal},
      {"promql-extended-range-selectors", &features.extended_range_selectors},
      {"promql-binop-fill-modifiers", &features.binop_fill_modifiers},
      {"type-and-unit-labels", &features.type_and_unit_labels},
      {"use-start-timestamps", &features.use_start_timestamps}};
  // Always on here, or without a meaning for rules.
  const std::set<std::string_view> idle = {"promql-at-modifier", "promql-negative-offset",
                                           "promql-duration-expr", "no-default-scrape-port",
                                           "native-histograms"};
  for (const std::string& list : arguments.values("enable-feature")) {
    for (std::string_view rest = list; !rest.empty();) {
      const std::string_view name = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(name.size() + 1, rest.size()));
      if (const auto it = known.find(name); it != known.end()) {
        *it->second = true;
      } else if (!idle.contains(name)) {
        return InvalidArgument(fmt::format("unknown feature \"{}\" of --enable-feature", name));
      }
    }
  }
  return features;
}

Result<RuleCheckOptions> ReadRuleChecks(const Arguments& arguments) {
  RuleCheckOptions options;
  options.lint_fatal = arguments.on("lint-fatal");
  options.ignore_unknown_fields = arguments.on("ignore-unknown-fields");
  TOCSIN_ASSIGN(options.features, ReadFeatureNames(arguments));
  // A rule that needs a feature is no error of the file.
  options.features.experimental_functions = true;
  options.lint_duplicates = false;
  std::string list = arguments.value("lint") + ",";
  for (size_t end = list.find(','); end != std::string::npos; end = list.find(',')) {
    const std::string lint = list.substr(0, end);
    list.erase(0, end + 1);
    const bool all = lint == "all";
    if (all || lint == "duplicate-rules") options.lint_duplicates = true;
    if (all || lint == "too-long-scrape-interval") options.lint_intervals = true;
    const bool known =
        all || lint == "duplicate-rules" || lint == "too-long-scrape-interval" || lint == "none";
    if (!known) std::cout << "WARNING: unknown lint option " << lint << "\n";
  }
  return options;
}

int CheckRuleText(const std::string& text, const std::string& file,
                  const RuleCheckOptions& options) {
  ConfigWarnings warnings;
  const auto groups =
      rules::ParseRuleFile(text, file, options.features, warnings, options.ignore_unknown_fields);
  for (const std::string& warning : warnings) std::cout << "  WARNING: " << warning << "\n";
  if (!groups.ok()) {
    std::cerr << "  FAILED:\n" << groups.error().message() << "\n" << std::flush;
    return kFailure;
  }
  if (const auto duplicates = Duplicates(*groups); options.lint_duplicates && !duplicates.empty()) {
    std::cerr << "  FAILED:\nlint error " << DuplicatesText(duplicates) << "\n" << std::flush;
    return options.lint_fatal ? kLintError : kSuccess;
  }
  std::cout << fmt::format("  SUCCESS: {} rules found\n", CountRules(*groups));
  return kSuccess;
}

int CheckRuleFiles(const std::vector<std::string>& files, const RuleCheckOptions& options) {
  int worst = kSuccess;
  for (const std::string& file : files) {
    std::cout << "Checking " << file << std::endl;
    int code = kFailure;
    if (const auto text = RealFileSystem().ReadFile(file); text.ok()) {
      code = CheckRuleText(*text, file, options);
    } else {
      std::cerr << "  FAILED:\n" << text.error().message() << "\n" << std::flush;
    }
    // A broken file outweighs a lint finding.
    if (worst != kFailure && code != kSuccess) worst = code;
    std::cout << std::endl;
  }
  return worst;
}

}  // namespace tocsin::commands
