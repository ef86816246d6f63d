#include "tools/tocsin/commands/rule_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "storage/base/file_system.h"
#include "tools/tocsin/commands/command.h"

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

Result<RuleCheckOptions> ParseLint(const std::string& lint, bool fatal) {
  RuleCheckOptions options;
  options.lint_fatal = fatal;
  if (lint == "none" || lint == "too-long-scrape-interval") {
    options.lint_duplicates = false;
  } else if (lint != "all" && lint != "duplicate-rules") {
    return InvalidArgument(fmt::format("unknown lint option \"{}\"", lint));
  }
  return options;
}

int CheckRuleText(const std::string& text, const std::string& file,
                  const RuleCheckOptions& options) {
  query::Features features;
  features.experimental_functions = true;
  ConfigWarnings warnings;
  const auto groups = rules::ParseRuleFile(text, file, features, warnings);
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
