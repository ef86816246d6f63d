#include "query/grouping.h"

#include <algorithm>

namespace tocsin::query {

Grouping::Grouping(const QueryContext& context, const AggregateExpr& expr, std::string extra)
    : context_(context), without_(expr.without), names_(expr.grouping) {
  if (!without_ && !extra.empty()) names_.push_back(std::move(extra));
  std::sort(names_.begin(), names_.end());
}

Labels Grouping::KeyOf(const Labels& labels) const {
  if (!without_) return names_.empty() ? Labels() : labels.Keep(names_);
  if (!context_.features.type_and_unit_labels) return labels.Without(names_);
  return DropMetricName(context_, labels).Without(names_);
}

size_t Grouping::GroupOf(const Labels& labels) {
  Labels key = KeyOf(labels);
  auto [it, added] = index_.try_emplace(key, keys_.size());
  if (added) keys_.push_back(std::move(key));
  return it->second;
}

}  // namespace tocsin::query
