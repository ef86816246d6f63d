#include "rules/metrics.h"

#include <vector>

namespace tocsin::rules {
namespace {

constexpr const char* kEvaluations = "prometheus_rule_evaluations_total";
constexpr const char* kFailures = "prometheus_rule_evaluation_failures_total";
constexpr const char* kIterations = "prometheus_rule_group_iterations_total";
constexpr const char* kMissed = "prometheus_rule_group_iterations_missed_total";
constexpr const char* kInterval = "prometheus_rule_group_interval_seconds";
constexpr const char* kRules = "prometheus_rule_group_rules";
constexpr const char* kLastDuration = "prometheus_rule_group_last_duration_seconds";
constexpr const char* kLastEvaluation = "prometheus_rule_group_last_evaluation_timestamp_seconds";
constexpr const char* kLastSamples = "prometheus_rule_group_last_evaluation_samples";

}  // namespace

RuleMetrics::RuleMetrics(MetricRegistry& r)
    : registry(r),
      rule_duration(r.GetSummary("prometheus_rule_evaluation_duration_seconds",
                                 "The duration of a rule to execute.", {0.5, 0.9, 0.99})),
      group_duration(r.GetSummary("prometheus_rule_group_duration_seconds",
                                  "The duration of rule group evaluations.",
                                  {0.01, 0.05, 0.5, 0.9, 0.99})),
      templates{r.GetCounter("prometheus_template_text_expansions_total",
                             "The total number of template text expansions."),
                r.GetCounter("prometheus_template_text_expansion_failures_total",
                             "The total number of template text expansion failures.")},
      state_write_failures(r.GetCounter("tocsin_rule_alert_state_write_failures_total",
                                        "Alert states that could not be stored.")) {}

GroupMetrics::GroupMetrics(MetricRegistry& r, const std::string& group)
    : registry_(r), labels_{{"rule_group", group}} {
  evaluations = r.GetCounter(kEvaluations, "The total number of rule evaluations.", labels_);
  evaluation_failures =
      r.GetCounter(kFailures, "The total number of rule evaluation failures.", labels_);
  iterations = r.GetCounter(
      kIterations,
      "The total number of scheduled rule group evaluations, whether executed or missed.", labels_);
  iterations_missed = r.GetCounter(
      kMissed,
      "The total number of rule group evaluations missed due to slow rule group evaluation.",
      labels_);
  interval = r.GetGauge(kInterval, "The interval of a rule group.", labels_);
  rules = r.GetGauge(kRules, "The number of rules.", labels_);
  last_duration =
      r.GetGauge(kLastDuration, "The duration of the last rule group evaluation.", labels_);
  last_evaluation = r.GetGauge(
      kLastEvaluation, "The timestamp of the last rule group evaluation in seconds.", labels_);
  last_samples =
      r.GetGauge(kLastSamples,
                 "The number of samples returned during the last rule group evaluation.", labels_);
}

GroupMetrics::~GroupMetrics() {
  for (const char* name : {kEvaluations, kFailures, kIterations, kMissed, kInterval, kRules,
                           kLastDuration, kLastEvaluation, kLastSamples}) {
    registry_.Remove(name, labels_);
  }
}

}  // namespace tocsin::rules
