// Text to tree. Any thread.
#pragma once

#include <string_view>
#include <vector>

#include "query/engine.h"
#include "query/parser/ast.h"
#include "storage/base/result.h"

namespace tocsin::query {

inline constexpr size_t kMaxQueryBytes = 4u << 20;

// Parses and type-checks. kInvalidArgument "line:col: parse error: ..." for the first error; texts
// are Prometheus'. Nesting above kMaxExprDepth is such an error too.
Result<ExprPtr> ParseExpr(std::string_view text, const Features& features = {});

}  // namespace tocsin::query
