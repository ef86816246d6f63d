// The rules' own metrics, under Prometheus' names.
#pragma once

#include <string>

#include "rules/template_expander.h"
#include "storage/base/metrics.h"

namespace tocsin::rules {

// Of all groups.
struct RuleMetrics {
  explicit RuleMetrics(MetricRegistry& registry);

  MetricRegistry& registry;
  SummaryMetric rule_duration;
  SummaryMetric group_duration;
  TemplateMetrics templates;
  Counter state_write_failures;
};

// Of one group; removed from the registry with it. `group`: "file;name".
class GroupMetrics {
 public:
  GroupMetrics(MetricRegistry& registry, const std::string& group);
  ~GroupMetrics();
  GroupMetrics(const GroupMetrics&) = delete;
  GroupMetrics& operator=(const GroupMetrics&) = delete;

  Counter evaluations;
  Counter evaluation_failures;
  Counter iterations;
  Counter iterations_missed;
  Gauge interval;
  Gauge rules;
  Gauge last_duration;
  Gauge last_evaluation;
  Gauge last_samples;

 private:
  MetricRegistry& registry_;
  const MetricLabels labels_;
};

}  // namespace tocsin::rules
