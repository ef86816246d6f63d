// What recording and alerting rules have in common: one evaluation gives series to store.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "query/engine.h"
#include "query/value.h"
#include "rules/rule_file.h"
#include "rules/template_expander.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/model/labels.h"

namespace tocsin::rules {

// A series that a rule gives at the time of its evaluation.
struct RuleSample {
  Labels labels;
  double value = 0;
  query::HistogramPtr histogram;  // instead of `value`
};

// Surroundings of one evaluation.
struct EvaluationContext {
  const query::Engine& engine;
  Timestamp ts;           // of the evaluation
  Duration query_offset;  // the expression is asked at ts - query_offset
  int64_t limit;          // of the group; 0: none
  const Labels& external_labels;
  const std::string& external_url;
  const TemplateMetrics& template_metrics;
  query::QueryOrigin origin = {};  // the group, for the query log
};

// Labels that a rule sets over those of its result; an empty value deletes.
using RuleLabels = std::vector<std::pair<std::string, std::string>>;
// The group's labels and the rule's, which win.
RuleLabels MergeLabels(const RuleLabels& group, const RuleLabels& rule);

}  // namespace tocsin::rules
