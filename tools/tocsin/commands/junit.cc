#include "tools/tocsin/commands/junit.h"

#include <fmt/format.h>

#include "storage/model/duration.h"

namespace tocsin::commands {
namespace {

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '"') {
      out += "&#34;";
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      out += "?";  // no character of XML
    } else {
      out += c;
    }
  }
  return out;
}

std::string FormatCase(const rules::UnitTestResult& result) {
  std::string out = fmt::format("    <testcase name=\"{}\">", Escape(result.name));
  if (!result.failures.empty()) out += "\n";
  for (const std::string& failure : result.failures) {
    out += fmt::format("      <failure message=\"\" type=\"\">{}</failure>\n", Escape(failure));
  }
  return out + (result.failures.empty() ? "</testcase>\n" : "    </testcase>\n");
}

}  // namespace

std::string FormatJunit(const std::vector<JunitSuite>& suites, Timestamp now) {
  std::string out = "<testsuites>\n";
  for (const JunitSuite& suite : suites) {
    size_t failed = 0;
    for (const auto& result : suite.cases) failed += result.failures.empty() ? 0 : 1;
    out += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" timestamp=\"{}\">\n",
        Escape(suite.file), suite.cases.size(), failed, suite.error.empty() ? 0 : 1,
        FormatRfc3339(now, 0));
    for (const auto& result : suite.cases) out += FormatCase(result);
    if (!suite.error.empty()) {
      out += fmt::format("    <system-err>{}</system-err>\n", Escape(suite.error));
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace tocsin::commands
