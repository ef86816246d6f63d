// tocsin check rules [FILE...]
#include <iostream>
#include <iterator>

#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/commands/rule_lint.h"

namespace tocsin::commands {

int CheckRules(const Arguments& arguments) {
  const auto options = ReadRuleChecks(arguments);
  if (!options.ok()) return arguments.FailUsage(options.error().message());
  if (!arguments.operands().empty()) return CheckRuleFiles(arguments.operands(), *options);
  std::cout << "Checking standard input" << std::endl;
  const std::string text((std::istreambuf_iterator<char>(std::cin)), {});
  const int code = CheckRuleText(text, "standard input", *options);
  std::cout << std::endl;
  return code;
}

}  // namespace tocsin::commands
