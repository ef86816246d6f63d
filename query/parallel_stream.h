// Rows of many series made by several threads, handed out as one thread would make them.
#pragma once

#include <functional>
#include <memory>

#include "query/context.h"
#include "query/row.h"

namespace tocsin::query {

// A stream over the series [begin, end) of a select. It belongs to one thread, with a context of
// its own; several may live at once.
using StreamPart =
    std::function<Result<RowStreamPtr>(QueryContext& context, size_t begin, size_t end)>;

// The rows of series [0, count) in their order, whatever the number of threads: they are made in
// batches, by helpers and by the caller itself when it needs a batch that nobody has begun. So the
// answer does not depend on helpers, and a busy executor costs time only. A few batches are held at
// a time. Falls back to one plain part when there are no helpers or few series.
//
// `part` is called on several threads at once. REQUIRES: what it captures outlives the stream.
Result<RowStreamPtr> MakeParallel(QueryContext& context, size_t count, size_t steps, bool distinct,
                                  StreamPart part);

}  // namespace tocsin::query
