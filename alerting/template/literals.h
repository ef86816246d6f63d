// Go's literals: quoted strings, characters and numbers as templates write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alerting/template/value.h"
#include "storage/base/result.h"

namespace tocsin::alerting {

void AppendUtf8(std::string& out, uint32_t code_point);
// The code point at `pos`, and moves `pos` past it; U+FFFD (and one byte) when it is malformed.
uint32_t DecodeUtf8(std::string_view text, size_t* pos);
// Counts code points.
size_t Utf8Length(std::string_view text);

// strconv.Unquote of "..." or `...`; kInvalidArgument "invalid syntax".
Result<std::string> UnquoteGo(std::string_view quoted);
// The code point of 'c'.
Result<int64_t> UnquoteGoCharacter(std::string_view quoted);
// An untyped constant as templates take it: int unless written with a point or an exponent.
Result<TemplateValue> ParseGoNumber(std::string_view text);

}  // namespace tocsin::alerting
