#include "rules/rule_order.h"

#include <algorithm>
#include <set>
#include <string>

#include "query/language.h"

namespace tocsin::rules {
namespace {

constexpr std::string_view kAlertMetrics[] = {"ALERTS", "ALERTS_FOR_STATE"};

bool AsksInTemplates(const RuleConfig& rule) {
  const auto asks = [](const auto& pair) {
    return pair.second.find("query") != std::string::npos &&
           pair.second.find("{{") != std::string::npos;
  };
  return !rule.alert.empty() &&
         (std::any_of(rule.labels.begin(), rule.labels.end(), asks) ||
          std::any_of(rule.annotations.begin(), rule.annotations.end(), asks));
}

// Since the last rule that had to wait.
struct Written {
  std::set<std::string> metrics, alerts;

  void Add(const RuleConfig& rule) {
    if (!rule.record.empty()) {
      metrics.insert(rule.record);
      return;
    }
    alerts.insert(rule.alert);
    for (const std::string_view name : kAlertMetrics) metrics.emplace(name);
  }
  bool Holds(const RuleConfig& rule) const {
    return rule.record.empty() ? alerts.contains(rule.alert) : metrics.contains(rule.record);
  }
};

}  // namespace

std::vector<bool> RulesThatWait(const GroupConfig& group) {
  std::vector<bool> waits;
  Written written;
  for (const RuleConfig& rule : group.rules) {
    bool wait = AsksInTemplates(rule) || written.Holds(rule);
    if (const auto reads = query::QueryDependencies(rule.expr); !reads.ok() || reads->all) {
      wait = true;
    } else {
      wait = wait ||
             std::any_of(reads->metric_names.begin(), reads->metric_names.end(),
                         [&](const std::string& name) { return written.metrics.contains(name); });
    }
    wait = wait && !waits.empty();
    if (wait) written = {};
    waits.push_back(wait);
    written.Add(rule);
  }
  return waits;
}

}  // namespace tocsin::rules
