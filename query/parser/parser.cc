#include "query/parser/parser.h"

#include "query/parser/grammar.h"
#include "query/parser/type_check.h"

namespace tocsin::query {

Result<ExprPtr> ParseExpr(std::string_view text, const Features& features) {
  if (text.size() > kMaxQueryBytes) {
    return InvalidArgument("query is longer than " + std::to_string(kMaxQueryBytes) + " bytes");
  }
  TOCSIN_ASSIGN(ExprPtr expr, Grammar(text, features).ParseQuery());
  TOCSIN_RETURN_IF_ERROR(CheckTypes(text, *expr));
  return expr;
}

}  // namespace tocsin::query
