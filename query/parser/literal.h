// Values of number, duration and string tokens. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace tocsin::query {

// Integers in Go's notation (0x1f, 010, 1_000), else a float, Inf, NaN in any case. The error has
// Go's text: `strconv.ParseFloat: parsing "1e999": value out of range`.
Result<double> ParseNumberText(std::string_view text);

// Of a duration token, in seconds.
Result<double> ParseDurationSeconds(std::string_view text);

// The value of a quoted string. REQUIRES: the lexer accepted it.
std::string UnquoteString(std::string_view text);

}  // namespace tocsin::query
