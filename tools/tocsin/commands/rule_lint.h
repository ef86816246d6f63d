// Checking rule files, shared by `check config` and `check rules`.
#pragma once

#include <string>
#include <vector>

#include "rules/rule_file.h"
#include "storage/base/result.h"

namespace tocsin::commands {

struct RuleCheckOptions {
  bool lint_duplicates = true;
  bool lint_fatal = false;
  bool ignore_unknown_fields = false;
};

// Reads --lint and --lint-fatal. kInvalidArgument for an unknown --lint value.
Result<RuleCheckOptions> ParseLint(const std::string& lint, bool fatal);

// Checks one file's text and prints as promtool does; an exit code.
int CheckRuleText(const std::string& text, const std::string& file,
                  const RuleCheckOptions& options);
// Prints "Checking <file>" and checks each; the worst exit code.
int CheckRuleFiles(const std::vector<std::string>& files, const RuleCheckOptions& options);

}  // namespace tocsin::commands
