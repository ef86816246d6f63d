// The rules of the language beyond its grammar: types of operands and arguments.
#pragma once

#include <string_view>

#include "query/parser/ast.h"
#include "storage/base/result.h"

namespace tocsin::query {

// The first violation, as "line:col: parse error: ..." of `text`. Completes what only types decide:
// `matching` of binary expressions is cleared unless both sides are vectors.
Status CheckTypes(std::string_view text, Expr& root);

// "instant vector", "range vector", "scalar", "string".
std::string_view DocumentedType(ValueType type);

}  // namespace tocsin::query
