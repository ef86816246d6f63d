#include "rules/expression.h"

#include <utility>

namespace tocsin::rules {

Result<query::Vector> EvaluateExpression(const query::Engine& engine, std::string_view expression,
                                         Timestamp at, const query::QueryOrigin& origin) {
  query::QueryOptions options;
  options.origin = origin;
  auto result = engine.Instant(expression, at, options);
  if (!result.ok()) return result.error();
  if (auto* vector = std::get_if<query::Vector>(&result->value.v)) return std::move(*vector);
  if (const auto* scalar = std::get_if<query::Scalar>(&result->value.v)) {
    query::VectorElement element;
    element.t = at;
    element.v = scalar->v;
    return query::Vector{element};
  }
  return Error(ErrorCode::kExecution, "rule result is not a vector or scalar");
}

}  // namespace tocsin::rules
