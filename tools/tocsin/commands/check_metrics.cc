// tocsin check metrics < PAGE (promtool check metrics)
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>

#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/commands/metrics_lint.h"
#include "tools/tocsin/commands/text_table.h"

namespace tocsin::commands {
namespace {

std::string Cardinality(const MetricFamilies& families) {
  std::vector<std::pair<size_t, std::string>> sorted;
  size_t total = 0;
  for (const auto& [name, family] : families) {
    if (family.series > 0) sorted.emplace_back(family.series, name);
    total += family.series;
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::vector<std::string>> rows = {{"Metric", "Cardinality", "Percentage"}};
  for (const auto& [series, name] : sorted) {
    const double part = 100.0 * static_cast<double>(series) / static_cast<double>(total);
    rows.push_back({name, std::to_string(series), fmt::format("{:.2f}%", part)});
  }
  rows.push_back({"Total", std::to_string(total), "100%"});
  return FormatTable(rows, true, 4);
}

}  // namespace

int CheckMetrics(const Arguments& arguments) {
  const std::string lint = arguments.value("lint");
  if (lint != "all" && lint != "none") {
    return arguments.FailUsage(fmt::format("unknown lint option \"{}\": want all or none", lint));
  }
  const std::string page((std::istreambuf_iterator<char>(std::cin)), {});
  const auto families = ReadMetricFamilies(page);
  if (!families.ok()) {
    std::cerr << "error while linting: " << families.error().message() << "\n";
    return kFailure;
  }
  if (lint == "all") {
    const auto problems = LintMetrics(*families);
    for (const std::string& problem : problems) std::cerr << problem << "\n";
    if (!problems.empty()) return kLintError;
  }
  if (arguments.on("extended")) std::cout << Cardinality(*families) << std::flush;
  return kSuccess;
}

}  // namespace tocsin::commands
