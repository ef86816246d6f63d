// Evaluates rule groups on their schedules: recorded series go to the store, alerts to the sink,
// alert state into the database. The entry of the rules folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/engine.h"
#include "rules/alert_sink.h"
#include "rules/rule_file.h"
#include "storage/appendable.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/metrics.h"
#include "storage/base/scheduler.h"
#include "storage/kv_store.h"

namespace tocsin::rules {

enum class RuleHealth { kUnknown, kOk, kErr };
enum class AlertState { kInactive, kPending, kFiring };

struct ActiveAlert {
  Labels labels;
  Labels annotations;
  AlertState state = AlertState::kPending;
  Timestamp active_at;
  std::optional<Timestamp> keep_firing_since;
  double value = 0;
};

struct RuleStatus {
  RuleConfig config;
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;
  double evaluation_seconds = 0;
  std::optional<Timestamp> last_evaluation;
  AlertState state = AlertState::kInactive;  // highest of `alerts`
  std::vector<ActiveAlert> alerts;           // alerting rules only
};

struct GroupStatus {
  std::string name, file;
  Duration interval{0};
  int64_t limit = 0;
  double evaluation_seconds = 0;
  std::optional<Timestamp> last_evaluation;
  std::vector<RuleStatus> rules;
};

// REQUIRES: all outlive the manager.
struct RulePorts {
  Clock& clock;
  Scheduler& scheduler;
  Executor& workers;
  const query::Engine& engine;
  storage::Appendable& storage;
  const storage::Queryable& queryable;
  storage::KvStore& kv;
  AlertSink& sink;
  MetricRegistry& metrics;
};

struct ManagerOptions {
  std::string external_url;              // without a trailing slash
  Duration outage_tolerance{3'600'000};  // --rules.alert.for-outage-tolerance
  Duration resend_delay{60'000};         // --rules.alert.resend-delay
  // Rules of all groups that are evaluated at the same time when they do not depend on one another;
  // 0: a group's rules go one after the other.
  int max_concurrent_evals = 0;
};

// What comes from `global` and may change on reload.
struct RuleGlobals {
  Duration evaluation_interval{60'000};
  Duration query_offset{0};
  Labels external_labels;
};

// Thread-safe.
class RuleManager {
 public:
  RuleManager(const RulePorts& ports, ManagerOptions options);
  // Waits for evaluations under way; writes no staleness markers.
  ~RuleManager();

  // Brings groups in step: unchanged groups keep running, changed ones keep the state of their
  // alerts, vanished ones get staleness markers. The first call restores alert state.
  void Apply(const RuleGlobals& globals, std::vector<GroupConfig> groups);

  std::vector<GroupStatus> Groups() const;  // by file, then order in the file

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::rules
