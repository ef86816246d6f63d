// Rules on virtual time: the real query engine over an in-memory store, everything inline.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "query/engine.h"
#include "rules/manager.h"
#include "storage/base/metrics.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_appendable.h"
#include "tests/support/memory_kv_store.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::testing {

class CollectingSink final : public rules::AlertSink {
 public:
  explicit CollectingSink(const Clock& clock) : clock_(clock) {}
  void Send(std::vector<alerting::Alert> alerts) override {
    for (auto& alert : alerts) sent.emplace_back(clock_.Now(), std::move(alert));
  }
  std::vector<std::pair<Timestamp, alerting::Alert>> sent;

 private:
  const Clock& clock_;
};

// A site whose rule manager can be killed and started again over the same store.
class RuleSite {
 public:
  static constexpr Timestamp kStart{1'700'000'000'000};

  RuleSite() : time(kStart), store(&queryable), engine({}, queryable, time, metrics), sink(time) {
    options.external_url = "http://p.local";
  }

  void Start() { manager = std::make_unique<rules::RuleManager>(Ports(), options); }
  // As kill -9 leaves it: nothing is written on the way out anyway.
  void Kill() { manager.reset(); }

  rules::RulePorts Ports() {
    return {time, time, workers, engine, store, queryable, kv, sink, metrics};
  }

  void Apply(std::string_view yaml, Duration interval = Duration{15'000}) {
    ConfigWarnings warnings;
    auto groups = rules::ParseRuleFile(yaml, "r.yml", {}, warnings);
    ASSERT_TRUE(groups.ok()) << groups.error().message();
    rules::RuleGlobals globals;
    globals.evaluation_interval = interval;
    globals.external_labels = Labels{{"region", "eu"}};
    manager->Apply(globals, *std::move(groups));
  }

  // One sample a step from now on, for as long as the clock goes.
  void Feed(const Labels& labels, double v) { queryable.Add(labels, time.Now().ms, v); }
  // Advances in steps, feeding every series of `feeds` before each.
  void Run(Duration d, Duration step = Duration{5'000}) {
    for (Duration done{0}; done < d; done += step) {
      for (const auto& [labels, v] : feeds) Feed(labels, v);
      time.Advance(step);
    }
  }

  rules::RuleStatus Rule(size_t group = 0, size_t rule = 0) {
    return manager->Groups().at(group).rules.at(rule);
  }
  // "pending", "firing" or "": of the first alert of the first rule.
  std::string State() {
    const auto status = Rule();
    if (status.alerts.empty()) return "";
    return status.alerts[0].state == rules::AlertState::kFiring ? "firing" : "pending";
  }
  // Runs until State() is `wanted`; how long that took, at most `limit`.
  Duration Until(const std::string& wanted, Duration limit = Duration{3'600'000}) {
    const Timestamp from = time.Now();
    while (State() != wanted && time.Now() - from < limit) Run(Duration{5'000});
    return time.Now() - from;
  }

  ManualScheduler time;
  InlineExecutor workers;
  MetricRegistry metrics;
  MemoryQueryable queryable;
  MemoryAppendable store;
  MemoryKvStore kv;
  query::Engine engine;
  CollectingSink sink;
  rules::ManagerOptions options;
  std::map<Labels, double> feeds;
  std::unique_ptr<rules::RuleManager> manager;
};

}  // namespace tocsin::testing
