// tocsin test rules FILE...
#include <fmt/format.h>

#include <iostream>
#include <optional>

#include "rules/unit_test.h"
#include "storage/base/file_system.h"
#include "storage/model/regex.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {
namespace {

int TestFile(const std::string& file, const rules::UnitTestOptions& options) {
  std::cout << "Unit Testing:  " << file << std::endl;
  ConfigWarnings warnings;
  std::vector<std::string> failures;
  if (auto text = RealFileSystem().ReadFile(file); !text.ok()) {
    failures.push_back(text.error().message());
  } else if (auto ran = rules::RunUnitTests(*text, file, RealFileSystem(), options, warnings);
             !ran.ok()) {
    failures.push_back(ran.error().message());
  } else {
    failures = *std::move(ran);
  }
  for (const std::string& warning : warnings) std::cout << "  WARNING: " << warning << std::endl;
  if (failures.empty()) {
    std::cout << "  SUCCESS\n" << std::endl;
    return kSuccess;
  }
  std::cerr << "  FAILED:" << std::endl;
  for (const std::string& failure : failures) {
    std::cerr << failure << std::endl;
    std::cout << std::endl;
  }
  std::cout << std::endl;
  return kFailure;
}

}  // namespace

int TestRules(const std::vector<std::string>& args) {
  Arguments arguments({}, {"run"});
  if (!arguments.Parse(args)) return kFailure;
  if (arguments.operands().empty()) {
    std::cerr << "error: required argument 'test-rule-file' not provided\n";
    return kFailure;
  }
  rules::UnitTestOptions options;
  if (const std::string run = arguments.value("run", ""); !run.empty()) {
    const auto regex = Regex::Compile(run, Regex::Anchor::kNone);
    if (!regex.ok()) {
      std::cerr << "error: --run: " << regex.error().message() << "\n";
      return kFailure;
    }
    options.wanted = [regex = *regex](const std::string& name) { return regex.Matches(name); };
  }
  int code = kSuccess;
  for (const std::string& file : arguments.operands()) {
    code = std::max(code, TestFile(file, options));
  }
  return code;
}

}  // namespace tocsin::commands
