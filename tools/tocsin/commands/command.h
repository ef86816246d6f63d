// The verbs of the command line besides serving: one file each, found in one table.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::commands {

// Exit codes of promtool.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kLintError = 3;

// A flag of a verb, as the help shows it.
struct FlagDef {
  std::string_view name;
  std::string_view value;  // a word for its value; empty: it stands alone (or =true, =false, --no-)
  std::string_view help;
  char letter = 0;                 // "-x" as well
  std::string_view fallback = {};  // its value when not given
  bool required = false;
};

class Arguments;

struct Command {
  std::string_view words;  // "check config"
  // The same by the name of the tool it stands in for: "promtool check config"; a last word in
  // brackets may be left out: "amtool alert [query]".
  std::string_view as_tool;
  std::string_view operands;  // "FILE...", for the help
  std::string_view help;
  std::span<const FlagDef> flags;
  std::span<const FlagDef> common;  // those of a family of verbs
  int (*run)(const Arguments& arguments);
};
std::span<const Command> Commands();

// Whether argv names a verb: by its first words, or because the program was called promtool or
// amtool.
bool IsCommand(std::string_view program, const std::vector<std::string>& args);
// Runs it; the exit code.
int Run(std::string_view program, const std::vector<std::string>& args);

// Flags and operands of one verb.
class Arguments {
 public:
  Arguments(std::string program, const Command& command);

  // kInvalidArgument: an unknown flag, a missing value, a required flag that is not there.
  Status Parse(const std::vector<std::string>& args);

  bool on(std::string_view name) const { return value(name) == "true"; }
  bool given(std::string_view name) const;
  // The last one given, else the fallback.
  std::string value(std::string_view name) const;
  std::vector<std::string> values(std::string_view name) const;
  // What holds when a flag is not given, instead of the built-in fallback.
  void SetFallback(const std::string& name, const std::string& value);

  const std::vector<std::string>& operands() const { return operands_; }
  // The name this program was called by: tocsin, promtool or amtool.
  const std::string& program() const { return program_; }
  bool as_amtool() const { return program_ == "amtool"; }

  // Says "<program>: error: <text>" on stderr; kFailure.
  int Fail(std::string_view text) const;
  // Prints the text, or fails with the error.
  int Finish(const Result<std::string>& text) const;
  // The same as Fail for a use that cannot be: points to the help.
  int FailUsage(std::string_view text) const;

 private:
  const FlagDef* Find(std::string_view name) const;
  Status ParseLong(const std::vector<std::string>& args, size_t* i);
  Status ParseShort(const std::vector<std::string>& args, size_t* i);

  const std::string program_;
  const Command& command_;
  std::vector<std::pair<std::string, std::string>> given_;
  std::map<std::string, std::string> fallbacks_;
  std::vector<std::string> operands_;
};

// RFC 3339 or unix seconds.
Result<Timestamp> ParseTimeArgument(std::string_view text);

int AlertAdd(const Arguments& arguments);
int AlertQuery(const Arguments& arguments);
int CheckAlertmanager(const Arguments& arguments);
int CheckConfig(const Arguments& arguments);
int CheckHealthy(const Arguments& arguments);
int CheckMetrics(const Arguments& arguments);
int CheckReady(const Arguments& arguments);
int CheckRules(const Arguments& arguments);
int CheckServiceDiscovery(const Arguments& arguments);
int CheckWebConfig(const Arguments& arguments);
int ClusterShow(const Arguments& arguments);
int ConfigShow(const Arguments& arguments);
int PromqlDeleteMatcher(const Arguments& arguments);
int PromqlFormat(const Arguments& arguments);
int PromqlSetMatcher(const Arguments& arguments);
int PushMetrics(const Arguments& arguments);
int QueryInstant(const Arguments& arguments);
int QueryLabels(const Arguments& arguments);
int QueryRange(const Arguments& arguments);
int QuerySeries(const Arguments& arguments);
int RouteShow(const Arguments& arguments);
int RouteTest(const Arguments& arguments);
int SilenceAdd(const Arguments& arguments);
int SilenceExpire(const Arguments& arguments);
int SilenceImport(const Arguments& arguments);
int SilenceQuery(const Arguments& arguments);
int SilenceUpdate(const Arguments& arguments);
int StorageRepair(const Arguments& arguments);
int TemplateRender(const Arguments& arguments);
int TestRules(const Arguments& arguments);

}  // namespace tocsin::commands
