// tocsin check alertmanager FILE... (amtool check-config)
#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "alerting/config.h"
#include "storage/base/file_system.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {
namespace {

constexpr std::string_view kStandardInput = "/dev/stdin";

Result<alerting::ConfigSummary> Check(const std::string& file, ConfigWarnings& warnings) {
  FileSystem& files = RealFileSystem();
  std::string text;
  if (file == kStandardInput) {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    TOCSIN_ASSIGN(text, files.ReadFile(file));
  }
  TOCSIN_ASSIGN(const auto config, alerting::ParseAlertmanagerConfig(text, file, files, warnings));
  return alerting::Summarize(*config);
}

void PrintSummary(const alerting::ConfigSummary& summary) {
  std::cout << "Found:\n";
  if (summary.global) std::cout << " - global config\n";
  if (summary.route) std::cout << " - route\n";
  std::cout << fmt::format(" - {} inhibit rules\n - {} receivers\n - {} templates\n",
                           summary.inhibit_rules, summary.receivers, summary.templates);
  // Templates were parsed with the rest.
  if (summary.templates > 0) std::cout << "  SUCCESS\n";
}

}  // namespace

int CheckAlertmanager(const Arguments& arguments) {
  std::vector<std::string> files = arguments.operands();
  if (files.empty()) files.emplace_back(kStandardInput);
  size_t failed = 0;
  for (const std::string& file : files) {
    std::cout << fmt::format("Checking '{}'", file);
    ConfigWarnings warnings;
    const auto summary = Check(file, warnings);
    if (summary.ok()) {
      std::cout << "  SUCCESS\n";
      PrintSummary(*summary);
    } else {
      std::cout << fmt::format("  FAILED: {}\n", summary.error().message());
      ++failed;
    }
    for (const std::string& warning : warnings) std::cout << "  WARNING: " << warning << "\n";
    std::cout << std::endl;
  }
  if (failed == 0) return kSuccess;
  return arguments.Fail(fmt::format("failed to validate {} file(s)", failed));
}

}  // namespace tocsin::commands
