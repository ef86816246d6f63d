// The table of verbs; see command.h for what a row says.
#pragma once

#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {

// A verb of promtool that is not here, by its first words, and what to do instead.
struct AbsentVerb {
  std::string_view words, instead;
};
std::span<const AbsentVerb> AbsentVerbs();

// Flags that may stand before the words of a verb, as with kingpin's global flags.
std::span<const FlagDef> FlagsBeforeWords();

}  // namespace tocsin::commands
