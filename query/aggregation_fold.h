// Aggregations that need of each group one running state per step, not its members.
#pragma once

#include <memory>

#include "query/context.h"
#include "query/parser/ast.h"

namespace tocsin::query {

// Folds rows into groups. Groups are numbered from 0 without gaps. One thread.
class Fold {
 public:
  virtual ~Fold() = default;
  virtual void AddGroup() = 0;
  // Rows of a group come in the order of the input, which decides rounding.
  virtual void Add(const Row& row, size_t group) = 0;
  // Sets the values of `row`, which is cleared. Each group once.
  virtual void Finish(size_t group, Row* row) = 0;
};

// Null for operators that are not folds (topk, quantile, ...).
std::unique_ptr<Fold> MakeFold(QueryContext& context, const AggregateExpr& expr, size_t steps);

}  // namespace tocsin::query
