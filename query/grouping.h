// by (...) and without (...): which rows belong together.
#pragma once

#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "query/context.h"
#include "query/parser/ast.h"

namespace tocsin::query {

// One thread.
class Grouping {
 public:
  // `extra`: grouped by too, as the label that count_values makes ("" for none).
  Grouping(const QueryContext& context, const AggregateExpr& expr, std::string extra = "");

  Labels KeyOf(const Labels& labels) const;
  // The number of the group of `labels`; a new one is size() - 1 afterwards.
  size_t GroupOf(const Labels& labels);
  size_t size() const { return keys_.size(); }
  const Labels& key(size_t group) const { return keys_[group]; }

 private:
  const QueryContext& context_;
  const bool without_;
  std::vector<std::string> names_;  // sorted
  absl::flat_hash_map<Labels, size_t, LabelsHash> index_;
  std::vector<Labels> keys_;
};

}  // namespace tocsin::query
