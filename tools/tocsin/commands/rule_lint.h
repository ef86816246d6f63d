// Checking rule files, shared by `check config` and `check rules`.
#pragma once

#include <string>
#include <vector>

#include "rules/rule_file.h"
#include "storage/base/result.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {

struct RuleCheckOptions {
  bool lint_duplicates = true;
  bool lint_intervals = false;  // scrape intervals, in `check config`
  bool lint_fatal = false;
  bool ignore_unknown_fields = false;
  query::Features features;
};

// Reads --lint, --lint-fatal, --ignore-unknown-fields and --enable-feature. kInvalidArgument for
// what it does not know.
Result<RuleCheckOptions> ReadRuleChecks(const Arguments& arguments);
// Reads --enable-feature: features of the query language.
Result<query::Features> ReadFeatureNames(const Arguments& arguments);

// Checks one file's text and prints as promtool does; an exit code.
int CheckRuleText(const std::string& text, const std::string& file,
                  const RuleCheckOptions& options);
// Prints "Checking <file>" and checks each; the worst exit code.
int CheckRuleFiles(const std::vector<std::string>& files, const RuleCheckOptions& options);

}  // namespace tocsin::commands
