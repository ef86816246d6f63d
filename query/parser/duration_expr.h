// Values of duration expressions, known only once the times of the query are.
#pragma once

#include "query/parser/ast.h"
#include "storage/base/result.h"

namespace tocsin::query {

// What step() and range() stand for: 0 for instant queries.
struct DurationContext {
  Duration step{0};
  Duration range{0};  // end - start
};

// Computes the `value` of every QueryDuration in the tree that has an `expr`. Call once before
// evaluating. kInvalidArgument "start:end: reason" (byte offsets): `division by zero`, `modulo by
// zero`, `duration is NaN or infinite`, `duration is out of range`, `duration must be greater than
// 0` (ranges and steps).
Status ResolveDurations(Expr& root, const DurationContext& context);

}  // namespace tocsin::query
