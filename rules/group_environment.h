// What the groups of one manager have in common: ports, options, metrics, and how many may run.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "rules/manager.h"
#include "rules/metrics.h"

namespace tocsin::rules {

// Thread-safe. Outlives every evaluation.
struct GroupEnvironment {
  GroupEnvironment(const RulePorts& p, ManagerOptions o)
      : ports(p), options(std::move(o)), metrics(p.metrics) {}

  const RulePorts ports;
  const ManagerOptions options;
  RuleMetrics metrics;

  // Evaluations under way are counted, so that the manager can wait for them. False once closing.
  bool TryEnter();
  void Leave();
  void CloseAndWait();

  // Up to `wanted` further rules may be evaluated at this moment; give them back.
  int TakeEvaluators(int wanted);
  void GiveBackEvaluator();

  // The same for all groups of that name: one that is replaced shares them with its successor.
  std::shared_ptr<GroupMetrics> MetricsOf(const std::string& group);
  // Drops those that no group uses any more.
  void DropUnusedMetrics();

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;
  bool closing_ = false;
  int evaluators_ = 0;  // taken
  std::map<std::string, std::shared_ptr<GroupMetrics>> group_metrics_;
};

}  // namespace tocsin::rules
