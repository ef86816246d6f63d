#include "tools/tocsin/commands/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "storage/config/yaml_reader.h"
#include "tools/tocsin/version.h"

namespace tocsin::commands {
namespace {

constexpr Command kCommands[] = {
    {"check config", "promtool check config", "Check Prometheus configuration files", &CheckConfig},
    {"check rules", "promtool check rules", "Check rule files", &CheckRules},
    {"check alertmanager", "amtool check-config", "Check Alertmanager configuration files",
     &CheckAlertmanager},
    {"test rules", "promtool test rules", "Run unit tests of rule files", &TestRules},
};

std::string_view BaseName(std::string_view program) {
  const size_t slash = program.rfind('/');
  return slash == std::string_view::npos ? program : program.substr(slash + 1);
}

bool IsTool(std::string_view program) {
  const std::string_view name = BaseName(program);
  return name == "promtool" || name == "amtool";
}

// How many of the first arguments are the words of the command; 0 when they are not.
size_t MatchedWords(std::string_view words, const std::vector<std::string>& args) {
  size_t n = 0;
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (n == args.size() || args[n] != words.substr(0, end)) return 0;
    ++n;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return n;
}

std::string WordsOf(const Command& command, std::string_view program) {
  const std::string prefix = std::string(BaseName(program)) + " ";
  if (!IsTool(program)) return std::string(command.words);
  return command.as_tool.starts_with(prefix) ? std::string(command.as_tool.substr(prefix.size()))
                                             : "";
}

int PrintHelp(std::ostream& out, std::string_view program, int code) {
  out << "Usage: " << BaseName(program) << " <command> [flags] [files]\n\nCommands:\n";
  for (const Command& command : Commands())
    if (const std::string words = WordsOf(command, program); !words.empty())
      out << fmt::format("  {:<20} {}\n", words, command.help);
  return code;
}

}  // namespace

std::span<const Command> Commands() { return kCommands; }

bool IsCommand(std::string_view program, const std::vector<std::string>& args) {
  return IsTool(program) || (!args.empty() && !args[0].starts_with('-'));
}

int Run(std::string_view program, const std::vector<std::string>& args) {
  if (args.empty()) return PrintHelp(std::cerr, program, kFailure);
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help")
    return PrintHelp(std::cout, program, kSuccess);
  if (args[0] == "--version") {
    std::cout << VersionText();
    return kSuccess;
  }
  std::vector<std::string> known;
  for (const Command& command : Commands()) {
    const std::string words = WordsOf(command, program);
    if (words.empty()) continue;
    known.push_back(words);
    if (const size_t n = MatchedWords(words, args); n > 0)
      return command.run({args.begin() + static_cast<std::ptrdiff_t>(n), args.end()});
  }
  const std::string given = args.size() > 1 ? args[0] + " " + args[1] : args[0];
  const std::string nearest = Nearest(given, known);
  std::cerr << fmt::format("{}: error: unknown command \"{}\"{}\n", BaseName(program), given,
                           nearest.empty() ? "" : fmt::format(", did you mean \"{}\"?", nearest));
  return PrintHelp(std::cerr, program, kFailure);
}

Arguments::Arguments(std::vector<std::string_view> switches, std::vector<std::string_view> valued)
    : switches_(std::move(switches)), valued_(std::move(valued)) {}

bool Arguments::Parse(const std::vector<std::string>& args) {
  const auto has = [](const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (!arg.starts_with("--") || arg == "--") {
      if (arg != "--") operands_.push_back(arg);
      continue;
    }
    const size_t equals = arg.find('=');
    const std::string name =
        arg.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    const bool has_value = equals != std::string::npos;
    if (has(switches_, name)) {
      given_.emplace_back(name, has_value ? arg.substr(equals + 1) : "true");
    } else if (name.starts_with("no-") && has(switches_, name.substr(3)) && !has_value) {
      given_.emplace_back(name.substr(3), "false");
    } else if (has(valued_, name)) {
      if (!has_value && i + 1 == args.size()) {
        std::cerr << fmt::format("error: expected argument for flag '--{}'\n", name);
        return false;
      }
      given_.emplace_back(name, has_value ? arg.substr(equals + 1) : args[++i]);
    } else {
      std::cerr << fmt::format("error: unknown long flag '--{}'\n", name);
      return false;
    }
  }
  return true;
}

bool Arguments::on(std::string_view name) const { return value(name, "false") == "true"; }

std::string Arguments::value(std::string_view name, std::string_view fallback) const {
  for (auto it = given_.rbegin(); it != given_.rend(); ++it)
    if (it->first == name) return it->second;
  return std::string(fallback);
}

}  // namespace tocsin::commands
