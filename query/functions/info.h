// info(), which takes more than a few lines.
#pragma once

#include "query/evaluator.h"

namespace tocsin::query {

Result<RowStreamPtr> Info(FunctionCall& call);

}  // namespace tocsin::query
