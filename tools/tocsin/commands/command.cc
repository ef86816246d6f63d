#include "tools/tocsin/commands/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "storage/config/yaml_reader.h"
#include "tools/tocsin/commands/command_table.h"
#include "tools/tocsin/version.h"

namespace tocsin::commands {
namespace {

std::string BaseName(std::string_view program) {
  const size_t slash = program.rfind('/');
  return std::string(slash == std::string_view::npos ? program : program.substr(slash + 1));
}

bool IsTool(const std::string& name) { return name == "promtool" || name == "amtool"; }

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The words that call it by this name of the program; empty when it is no verb of that tool.
// `least`: how many of them must be given.
std::vector<std::string> WordsOf(const Command& command, const std::string& name, size_t* least) {
  std::vector<std::string> words = Split(command.words);
  if (IsTool(name)) {
    words = Split(command.as_tool);
    if (words.empty() || words.front() != name) return {};
    words.erase(words.begin());
  }
  *least = words.size();
  if (words.back().starts_with('[')) {
    words.back() = words.back().substr(1, words.back().size() - 2);
    --*least;
  }
  return words;
}

std::string Join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

// Where the words of the line stand in it: everything that is neither a flag nor a flag's value.
std::vector<size_t> PlacesOfWords(const std::vector<std::string>& args) {
  const auto takes_value = [](std::string_view flag) {
    for (const FlagDef& f : FlagsBeforeWords()) {
      const bool named = flag == fmt::format("--{}", f.name) ||
                         (f.letter != 0 && flag == fmt::format("-{}", f.letter));
      if (named) return !f.value.empty();
    }
    return false;
  };
  std::vector<size_t> places;
  for (size_t i = 0; i < args.size(); ++i) {
    if (!args[i].starts_with('-')) {
      places.push_back(i);
    } else if (takes_value(args[i])) {
      ++i;
    }
  }
  return places;
}

// The verb whose words the line begins with, the longest; its words are taken out of `args`.
const Command* Match(const std::string& name, std::vector<std::string>* args) {
  const std::vector<size_t> places = PlacesOfWords(*args);
  const Command* found = nullptr;
  size_t taken = 0;
  for (const Command& command : Commands()) {
    size_t least = 0;
    const auto words = WordsOf(command, name, &least);
    if (words.empty()) continue;
    size_t n = 0;
    while (n < words.size() && n < places.size() && (*args)[places[n]] == words[n]) ++n;
    if (n < least || n < taken || (n == taken && found != nullptr)) continue;
    found = &command;
    taken = n;
  }
  for (size_t n = taken; n-- > 0;) args->erase(args->begin() + static_cast<ptrdiff_t>(places[n]));
  return found;
}

void PrintFlags(std::ostream& out, std::span<const FlagDef> flags) {
  for (const FlagDef& flag : flags) {
    std::string left = flag.letter == 0 ? "      " : fmt::format("  -{}, ", flag.letter);
    left += fmt::format("--{}", flag.name);
    if (!flag.value.empty())
      left += fmt::format("={}", flag.fallback.empty() ? flag.value : flag.fallback);
    out << fmt::format("{:<34} {}\n", left, flag.help);
  }
}

int PrintCommandHelp(const std::string& name, const Command& command) {
  size_t least = 0;
  std::cout << fmt::format("usage: {} {} [<flags>] {}\n\n{}.\n\nFlags:\n", name,
                           Join(WordsOf(command, name, &least)), command.operands, command.help);
  PrintFlags(std::cout, command.flags);
  PrintFlags(std::cout, command.common);
  std::cout << "  -h, --help                       Show this.\n" << std::flush;
  return kSuccess;
}

int PrintHelp(std::ostream& out, const std::string& name, const std::string& area) {
  out << fmt::format("usage: {} <command> [<flags>] [<args>]\n\nCommands:\n", name);
  for (const Command& command : Commands()) {
    size_t least = 0;
    const auto words = WordsOf(command, name, &least);
    if (words.empty() || (!area.empty() && words.front() != area)) continue;
    out << fmt::format("  {} {}\n      {}.\n", Join(words), command.operands, command.help);
  }
  out << fmt::format("\n{} <command> --help says more about one.\n", name) << std::flush;
  return kSuccess;
}

bool AsksForHelp(const std::vector<std::string>& args) {
  return std::any_of(args.begin(), args.end(), [](const std::string& arg) {
    return arg == "--help" || arg == "-h" || arg == "--help-long";
  });
}

int Unknown(const std::string& name, const std::vector<std::string>& args) {
  std::vector<std::string> known, given;
  bool area = false;
  for (size_t place : PlacesOfWords(args)) given.push_back(args[place]);
  if (given.size() > 2) given.resize(2);
  for (const Command& command : Commands()) {
    size_t least = 0;
    const auto words = WordsOf(command, name, &least);
    if (words.empty()) continue;
    known.push_back(Join(words));
    area = area || (!given.empty() && words.front() == given.front());
  }
  if (given.empty()) {
    std::cerr << fmt::format("{}: error: unknown long flag '{}', try --help\n", name,
                             args.front().substr(0, args.front().find('=')));
    return kFailure;
  }
  for (const AbsentVerb& absent : AbsentVerbs()) {
    const std::vector<std::string> words = Split(absent.words);
    if (name == "amtool" || given.size() < words.size() ||
        !std::equal(words.begin(), words.end(), given.begin())) {
      continue;
    }
    std::cerr << fmt::format("{}: error: \"{}\" is not available: {}\n", name, Join(given),
                             absent.instead);
    return kFailure;
  }
  const std::string nearest = Nearest(Join(given), known);
  const std::string hint = nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest);
  if (area && given.size() == 1) {
    std::cerr << fmt::format("{}: error: must select a subcommand of '{}', try --help\n", name,
                             given.front());
  } else {
    std::cerr << fmt::format("{}: error: expected command but got \"{}\"{}, try --help\n", name,
                             area ? given.back() : given.front(), hint);
  }
  return kFailure;
}

}  // namespace

bool IsCommand(std::string_view program, const std::vector<std::string>& args) {
  return IsTool(BaseName(program)) || (!args.empty() && !args[0].starts_with('-'));
}

int Run(std::string_view program, const std::vector<std::string>& args) {
  const std::string name = BaseName(program);
  std::vector<std::string> rest = args;
  if (!rest.empty() && rest[0] == "help") {
    rest.erase(rest.begin());
    rest.emplace_back("--help");
  }
  const Command* command = Match(name, &rest);
  if (AsksForHelp(rest)) {
    if (command != nullptr) return PrintCommandHelp(name, *command);
    const auto places = PlacesOfWords(rest);
    return PrintHelp(std::cout, name, places.empty() ? "" : rest[places[0]]);
  }
  if (std::find(rest.begin(), rest.end(), "--version") != rest.end()) {
    std::cout << VersionText();
    return kSuccess;
  }
  if (args.empty()) return PrintHelp(std::cout, name, ""), kSuccess;
  if (command == nullptr) return Unknown(name, rest);
  Arguments arguments(name, *command);
  if (const Status parsed = arguments.Parse(rest); !parsed.ok()) {
    return arguments.FailUsage(parsed.error().message());
  }
  return command->run(arguments);
}

}  // namespace tocsin::commands
