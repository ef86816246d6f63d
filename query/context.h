// What all nodes of one running query share.
#pragma once

#include <string_view>

#include "query/annotations.h"
#include "query/engine.h"
#include "query/limits.h"
#include "query/row.h"
#include "storage/base/executor.h"
#include "storage/queryable.h"

namespace tocsin::query {

// One thread; parts of a query that run beside it have copies with their own annotations. Lives as
// long as the evaluation.
struct QueryContext {
  const Features& features;
  const storage::Queryable& queryable;
  Limits& limits;
  Annotations& annotations;
  // Of the query, whatever the grid of the node (a subquery has its own).
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0 for instant queries
  int64_t lookback_ms = 0;
  int64_t subquery_step_ms = 0;
  // Levels up to it may stand for samples; 0: only samples.
  int64_t max_source_resolution_ms = 0;
  // Who may run parts of the query beside the caller; null: nobody.
  Executor* helpers = nullptr;
  int max_helpers = 0;

  bool instant() const { return step_ms == 0; }
  QueryContext With(Annotations& own) const {
    QueryContext copy{features, queryable, limits, own};
    copy.start_ms = start_ms;
    copy.end_ms = end_ms;
    copy.step_ms = step_ms;
    copy.lookback_ms = lookback_ms;
    copy.subquery_step_ms = subquery_step_ms;
    copy.max_source_resolution_ms = max_source_resolution_ms;
    copy.helpers = helpers;
    copy.max_helpers = max_helpers;
    return copy;
  }
};

// Takes __name__ away, and __type__ and __unit__ where they are part of the identity.
Labels DropMetricName(const QueryContext& context, const Labels& labels);
// What an operation that changes the meaning of values does with the name: away at once, or
// flagged for the end of the query.
void ForgetName(const QueryContext& context, Row* row);

Error DuplicateLabelSet();  // vector cannot contain metrics with the same labelset

// In samples of 16 bytes.
uint64_t SizeOf(const Histogram& histogram);
uint64_t SizeOf(const Rows& rows);
// Reads a stream to its end. kLimit when that takes too much memory.
Result<Rows> Collect(QueryContext& context, RowStream& stream);

// What happens to rows with equal labels.
enum class OnDuplicate {
  kMerge,  // one row, unless both have a value at one step: an error
  kFail,   // an error
};
// Brings rows with equal labels together; the order stays otherwise.
Result<Rows> Unify(Rows rows, OnDuplicate mode);

// The same for a stream whose rows may have become equal because names went away; passes it
// through when they cannot have (or stay flagged until the end).
Result<RowStreamPtr> UnifyAfterDrop(QueryContext& context, RowStreamPtr stream, OnDuplicate mode);

}  // namespace tocsin::query
