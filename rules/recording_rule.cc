#include "rules/recording_rule.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>

#include "rules/expression.h"

namespace tocsin::rules {

RuleLabels MergeLabels(const RuleLabels& group, const RuleLabels& rule) {
  RuleLabels merged;
  for (const auto& label : group) {
    const bool overridden = std::any_of(rule.begin(), rule.end(),
                                        [&](const auto& r) { return r.first == label.first; });
    if (!overridden) merged.push_back(label);
  }
  merged.insert(merged.end(), rule.begin(), rule.end());
  return merged;
}

Result<std::vector<RuleSample>> EvaluateRecordingRule(const RuleConfig& rule,
                                                      const EvaluationContext& context) {
  TOCSIN_ASSIGN(query::Vector vector,
                EvaluateExpression(context.engine, rule.expr, context.ts - context.query_offset,
                                   context.origin));
  std::vector<RuleSample> samples;
  samples.reserve(vector.size());
  absl::flat_hash_set<Labels, LabelsHash> seen;
  seen.reserve(vector.size());
  LabelsBuilder builder;
  for (query::VectorElement& element : vector) {
    builder.Reset(element.labels);
    builder.Set(kMetricName, rule.record);
    for (const auto& [name, value] : rule.labels) builder.Set(name, value);
    RuleSample& sample = samples.emplace_back();
    sample.labels = builder.Build();
    sample.value = element.v;
    sample.histogram = std::move(element.h);
    if (!seen.insert(sample.labels).second) {
      return Error(ErrorCode::kExecution,
                   "vector contains metrics with the same labelset after applying rule labels");
    }
  }
  if (context.limit > 0 && samples.size() > static_cast<size_t>(context.limit)) {
    return Error(ErrorCode::kLimit,
                 fmt::format("exceeded limit of {} with {} series", context.limit, samples.size()));
  }
  return samples;
}

}  // namespace tocsin::rules
