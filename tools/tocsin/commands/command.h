// The verbs of the command line besides serving: one file each, found in one table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::commands {

// Exit codes of promtool.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kLintError = 3;

struct Command {
  std::string_view words;  // "check config"
  std::string_view
      as_tool;  // the same by the name of the tool it stands in for: "amtool check-config"
  std::string_view help;
  int (*run)(const std::vector<std::string>& args);
};
std::span<const Command> Commands();

// Whether argv names a verb: by its first words, or because the program was called promtool or
// amtool.
bool IsCommand(std::string_view program, const std::vector<std::string>& args);
// Runs it; the exit code.
int Run(std::string_view program, const std::vector<std::string>& args);

int CheckConfig(const std::vector<std::string>& args);
int CheckRules(const std::vector<std::string>& args);
int CheckAlertmanager(const std::vector<std::string>& args);
int TestRules(const std::vector<std::string>& args);

// Flags and operands of one verb.
class Arguments {
 public:
  // Flags in `switches` stand alone (or take =true, =false), those in `valued` take a value.
  Arguments(std::vector<std::string_view> switches, std::vector<std::string_view> valued);

  // False after having said on stderr what is wrong.
  bool Parse(const std::vector<std::string>& args);

  bool on(std::string_view name) const;
  std::string value(std::string_view name, std::string_view fallback) const;
  const std::vector<std::string>& operands() const { return operands_; }

 private:
  const std::vector<std::string_view> switches_, valued_;
  std::vector<std::pair<std::string, std::string>> given_;
  std::vector<std::string> operands_;
};

}  // namespace tocsin::commands
