// Matchers as Alertmanager's users write them: `name op value`, several joined by commas and
// optionally in braces. Two grammars are read, the classic and the UTF-8 one; where both read a
// text and differ, the classic reading holds. Pure functions: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/matcher.h"

namespace tocsin::alerting {

// kInvalidArgument with the text and what is wrong with it. Regexes are anchored and `.` does not
// match a newline.
Result<std::vector<Matcher>> ParseMatchers(std::string_view text);

// Exactly one matcher, without braces (an API filter, a command line).
Result<Matcher> ParseMatcher(std::string_view text);

// name op "value" with `\`, newline and `"` escaped; the name is quoted when it is no classic one.
std::string FormatMatcher(const Matcher& matcher);

// {a="1",b=~"x"}, sorted by name, value and operator: part of group keys, so it must not change.
std::string FormatMatchers(std::vector<Matcher> matchers);

}  // namespace tocsin::alerting
