// tocsin check rules [FILE...]
#include <iostream>
#include <iterator>

#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/commands/rule_lint.h"

namespace tocsin::commands {

int CheckRules(const std::vector<std::string>& args) {
  Arguments arguments({"lint-fatal", "ignore-unknown-fields"}, {"lint"});
  if (!arguments.Parse(args)) return kFailure;
  const auto options =
      ParseLint(arguments.value("lint", "duplicate-rules"), arguments.on("lint-fatal"));
  if (!options.ok()) {
    std::cerr << "error: " << options.error().message() << "\n";
    return kFailure;
  }
  if (!arguments.operands().empty()) return CheckRuleFiles(arguments.operands(), *options);
  std::cout << "Checking standard input" << std::endl;
  const std::string text((std::istreambuf_iterator<char>(std::cin)), {});
  const int code = CheckRuleText(text, "standard input", *options);
  std::cout << std::endl;
  return code;
}

}  // namespace tocsin::commands
