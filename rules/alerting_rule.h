// An alerting rule: every element of its expression's result is an alert.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "alerting/alert.h"
#include "rules/alert_state.h"
#include "rules/rule.h"
#include "rules/template_expander.h"

namespace tocsin::rules {

// Evaluate, TakeDue, Shift, Restore: one thread at a time; the rest: any thread.
class AlertingRule {
 public:
  // `rule`: with the group's labels merged in.
  explicit AlertingRule(const RuleConfig& rule);

  // The series ALERTS and ALERTS_FOR_STATE of every active alert. An error of the query leaves
  // the alerts as they are.
  Result<std::vector<RuleSample>> Evaluate(const EvaluationContext& context);

  // What to send after an evaluation at `ts`. A firing alert is valid for four times the longer
  // of `interval` and `resend_delay`.
  std::vector<alerting::Alert> TakeDue(Timestamp ts, Duration interval, Duration resend_delay,
                                       const std::string& external_url);

  // The clock was set.
  void Shift(Duration by);
  void Restore(std::vector<AlertEntry> entries);
  std::vector<AlertEntry> Entries() const;
  // AlertStates::TakeChanged.
  bool TakeChanged();  // by labels
  AlertState state() const;

 private:
  Result<std::vector<AlertElement>> Elements(const EvaluationContext& context) const;

  const RuleConfig rule_;
  std::vector<std::pair<std::string, RuleText>> labels_;
  std::vector<std::pair<std::string, RuleText>> annotations_;
  bool has_templates_ = false;

  mutable std::mutex mutex_;
  AlertStates states_;
};

}  // namespace tocsin::rules
