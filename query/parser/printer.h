// Trees back to text. Any thread.
#pragma once

#include <string>

#include "query/parser/ast.h"

namespace tocsin::query {

// On one line, normalised, as Prometheus prints expressions in /rules and logs.
std::string PrintExpr(const Expr& expr);
// As /format_query does: nodes longer than 100 characters are split, two spaces per level.
std::string PrettyPrintExpr(const Expr& expr);
// The tree as JSON, as /parse_query answers it.
std::string ExprToJson(const Expr& expr);

}  // namespace tocsin::query
