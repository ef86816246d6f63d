// Instant selectors with `smoothed`: values between samples are interpolated.
#pragma once

#include "query/context.h"
#include "query/parser/ast.h"

namespace tocsin::query {

Result<RowStreamPtr> SelectSmoothed(QueryContext& context, const VectorSelector& selector,
                                    const StepGrid& grid);

}  // namespace tocsin::query
