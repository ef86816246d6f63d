// A group of rules: evaluates them in order on a timer of its own, stores what they give, marks
// what they no longer give as stale, and sends their alerts.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "rules/alerting_rule.h"
#include "rules/manager.h"
#include "rules/metrics.h"
#include "rules/state_restorer.h"

namespace tocsin::rules {

// What all groups of a manager share. Outlives every evaluation.
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

  // The same for all groups of that name: one that is replaced shares them with its successor.
  std::shared_ptr<GroupMetrics> MetricsOf(const std::string& group);
  // Drops those that no group uses any more.
  void DropUnusedMetrics();

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;
  bool closing_ = false;
  std::map<std::string, std::shared_ptr<GroupMetrics>> group_metrics_;
};

// Thread-safe. An evaluation runs as a chain of tasks on the workers: one rule, its commit, the
// next rule; never two at a time.
class Group : public std::enable_shared_from_this<Group> {
 public:
  using Produced = absl::flat_hash_map<Labels, SeriesRef, LabelsHash>;

  // `config`: with interval and query_offset filled in.
  Group(GroupEnvironment& environment, GroupConfig config,
        std::shared_ptr<const Labels> external_labels);
  ~Group();

  const GroupConfig& config() const { return config_; }
  void SetExternalLabels(std::shared_ptr<const Labels> labels);

  // Evaluates at the group's times from the next one on.
  void Start();
  // Until Start it counts as under way: it waits for what it takes over. REQUIRES: nobody else has
  // this group yet.
  void AwaitPredecessor() { running_ = true; }
  // No evaluation begins any more; `idle` runs, on any thread, when none is under way (at once if
  // so). The rule under way is the last of its evaluation.
  void Stop(std::function<void()> idle);

  // One evaluation at `ts`; `done` runs when the last rule is stored. False: one is under way.
  bool Evaluate(Timestamp ts, std::function<void()> done);

  // Takes over what `old` knows: alerts by rule, produced series; series of rules that are gone
  // become stale at the next evaluation. REQUIRES: `old` is stopped and idle, this not started.
  void TakeOver(Group& old);
  // What a restart found. REQUIRES: not started.
  void Restore(const StoredGroup& stored);

  // Ends, now, every series of the latest evaluation that nobody else has gone on with since.
  // REQUIRES: stopped and idle.
  void EndSeries();

  GroupStatus Status() const;

 private:
  struct Rule;
  struct Iteration;
  struct Batch;

  void Schedule();
  void OnTimer();
  void NoteTick(Timestamp slot, MonotonicTime now);
  Timestamp SlotAt(Timestamp now) const;

  void Run(std::shared_ptr<Iteration> iteration);
  void Finish(Iteration& iteration);
  // False: nothing to commit.
  bool EvaluateRule(Rule& rule, const Iteration& iteration, Batch& batch);
  Result<std::vector<RuleSample>> Ask(Rule& rule, Timestamp ts);
  void SaveAndSend(Rule& rule, Timestamp ts);
  bool FillBatch(Rule& rule, Timestamp at, std::vector<RuleSample> samples, Batch& batch);
  void OnCommitted(Rule* rule, Batch& batch, const storage::CommitResult& result);
  void NoteError(Rule& rule, const std::string& error);
  bool PrepareLeftovers(Timestamp at, Batch& batch);
  bool HasSampleAfter(const Labels& series, Timestamp t) const;
  void ApplyRestored(Timestamp first);
  void ApplyClockJump(Duration jump);

  GroupEnvironment& env_;
  const GroupConfig config_;
  const uint64_t key_;
  const std::shared_ptr<GroupMetrics> metrics_;

  // Touched only by the evaluation under way, or while idle.
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<Labels> leftovers_;  // series of rules that are gone
  std::optional<StoredGroup> restored_;
  double last_samples_ = 0;

  mutable std::mutex mutex_;  // guards all below, and the status in each Rule
  std::shared_ptr<const Labels> external_labels_;
  Timer timer_;
  bool stopped_ = false;
  bool running_ = false;
  std::vector<std::function<void()>> on_idle_;
  std::optional<Timestamp> last_slot_;
  MonotonicTime last_tick_;
  Duration clock_jump_{0};  // since the latest evaluation
  std::optional<Timestamp> last_evaluation_;
  double evaluation_seconds_ = 0;
};

}  // namespace tocsin::rules
