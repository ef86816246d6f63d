// The words of a command line as flags, as kingpin (Prometheus' parser) reads them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/base/result.h"

namespace tocsin {

// Every flag that was given, by its name without dashes, with its values in order. A switch gives
// "true" or "false". "help" and "version" are switches, too.
using GivenFlags = std::map<std::string, std::vector<std::string>, std::less<>>;

// `--name=value`, `--name value`, `--switch`, `--no-switch`, `--switch=true|false`; a flag that may
// not be repeated comes at most once. kInvalidArgument in kingpin's words, with the nearest name
// when a flag is unknown.
Result<GivenFlags> ScanFlags(const std::vector<std::string>& args);

// The text of --help: every flag that has an effect.
std::string FlagHelp();

}  // namespace tocsin
