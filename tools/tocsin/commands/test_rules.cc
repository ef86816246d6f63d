// tocsin test rules FILE...
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "rules/unit_test.h"
#include "storage/base/file_system.h"
#include "storage/model/regex.h"
#include "tools/tocsin/commands/alertmanager_session.h"
#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/commands/junit.h"
#include "tools/tocsin/commands/rule_lint.h"

namespace tocsin::commands {
namespace {

JunitSuite TestFile(const std::string& file, const rules::UnitTestOptions& options,
                    ConfigWarnings& warnings) {
  JunitSuite suite{file, {}, ""};
  const auto text = RealFileSystem().ReadFile(file);
  if (!text.ok()) {
    suite.error = text.error().message();
    return suite;
  }
  auto ran = rules::RunUnitTests(*text, file, RealFileSystem(), options, warnings);
  if (ran.ok()) {
    suite.cases = *std::move(ran);
  } else {
    suite.error = ran.error().message();
  }
  return suite;
}

// False when something failed.
bool Print(const JunitSuite& suite, const ConfigWarnings& warnings) {
  for (const std::string& warning : warnings) std::cout << "  WARNING: " << warning << std::endl;
  std::vector<std::string> failures;
  if (!suite.error.empty()) failures.push_back(suite.error);
  for (const auto& result : suite.cases) {
    failures.insert(failures.end(), result.failures.begin(), result.failures.end());
  }
  if (failures.empty()) {
    std::cout << "  SUCCESS\n" << std::endl;
    return true;
  }
  std::cerr << "  FAILED:" << std::endl;
  for (const std::string& failure : failures) {
    std::cerr << failure << std::endl;
    std::cout << std::endl;
  }
  std::cout << std::endl;
  return false;
}

Result<rules::UnitTestOptions> ReadOptions(const Arguments& arguments) {
  rules::UnitTestOptions options;
  TOCSIN_ASSIGN(options.features, ReadFeatureNames(arguments));
  options.diff = arguments.on("diff");
  options.ignore_unknown = arguments.on("ignore-unknown-fields");
  if (arguments.on("debug")) {
    options.debug = [](const std::string& line) { std::cout << "DEBUG: " << line << std::endl; };
  }
  std::vector<Regex> wanted;
  for (const std::string& run : arguments.values("run")) {
    auto regex = Regex::Compile(run, Regex::Anchor::kNone);
    if (!regex.ok()) return regex.error().WithContext("--run");
    wanted.push_back(*std::move(regex));
  }
  if (!wanted.empty()) {
    options.wanted = [wanted = std::move(wanted)](const std::string& name) {
      return std::any_of(wanted.begin(), wanted.end(),
                         [&](const Regex& regex) { return regex.Matches(name); });
    };
  }
  return options;
}

}  // namespace

int TestRules(const Arguments& arguments) {
  if (arguments.operands().empty()) {
    return arguments.FailUsage("required argument 'test-rule-file' not provided");
  }
  const auto options = ReadOptions(arguments);
  if (!options.ok()) return arguments.FailUsage(options.error().message());
  bool passed = true;
  std::vector<JunitSuite> suites;
  for (const std::string& file : arguments.operands()) {
    std::cout << "Unit Testing:  " << file << std::endl;
    ConfigWarnings warnings;
    suites.push_back(TestFile(file, *options, warnings));
    passed = Print(suites.back(), warnings) && passed;
  }
  if (const std::string file = arguments.value("junit"); !file.empty()) {
    std::ofstream out(file);
    out << FormatJunit(suites, CurrentTime());
    if (!out.flush()) return arguments.Fail("cannot write " + file);
  }
  return passed ? kSuccess : kFailure;
}

}  // namespace tocsin::commands
