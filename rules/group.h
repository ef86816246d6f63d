// A group of rules: evaluates them in order on a timer of its own, stores what they give, marks
// what they no longer give as stale, and sends their alerts.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "rules/alerting_rule.h"
#include "rules/group_environment.h"
#include "rules/state_restorer.h"

namespace tocsin::rules {

// Thread-safe. An evaluation runs as a chain of tasks on the workers: some rules that do not depend
// on one another, their commit, the next ones. Never two evaluations at a time; rules of one go in
// order, or side by side where the manager's options allow it.
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
  // so). The rules under way are the last of their evaluation.
  void Stop(std::function<void()> idle);

  // One evaluation at `ts`; `done` runs when the last rule is stored. False: one is under way.
  bool Evaluate(Timestamp ts, std::function<void()> done);

  // Takes over what `old` knows: alerts by rule, produced series; series of rules that are gone
  // become stale at the next evaluation. REQUIRES: `old` is stopped and idle, this not started.
  void TakeOver(Group& old);
  // Of a group of this name that was removed not long ago: ends its series that do not go on.
  // REQUIRES: as for TakeOver.
  void TakeOverSeries(Group& old);
  // What a restart found. REQUIRES: not started.
  void Restore(const StoredGroup& stored);

  // Ends every series of the latest evaluation that nobody else has gone on with since: at the time
  // of the evaluation that would have come next, so that whoever goes on with one just now is
  // later. REQUIRES: stopped and idle.
  void EndSeries();

  GroupStatus Status() const;

 private:
  struct Rule;
  struct Iteration;
  struct Batch;
  struct Round;

  void Schedule();
  void OnTimer();
  void NoteTick(Timestamp slot, MonotonicTime now);
  Timestamp SlotAt(Timestamp now) const;
  bool Follows(Timestamp slot, const std::optional<Timestamp>& last) const;

  void Run(std::shared_ptr<Iteration> iteration);
  bool Stopped() const;
  // The rules from the next one on that may be stored together.
  void EvaluateInOrder(Iteration& iteration, Batch& batch);
  // The same by several workers at once; false: there is only one such rule.
  bool StartRound(const std::shared_ptr<Iteration>& iteration);
  void WorkOn(const std::shared_ptr<Round>& round);
  void FinishRound(Round& round);
  size_t EndOfBatch(size_t first) const;
  // False: the evaluation goes on when the commit is done.
  bool Commit(const std::shared_ptr<Iteration>& iteration, std::shared_ptr<Batch> batch);
  void Finish(Iteration& iteration);
  // Nothing when it failed.
  std::optional<std::vector<RuleSample>> EvaluateRule(Rule& rule, const Iteration& iteration);
  Result<std::vector<RuleSample>> Ask(Rule& rule, Timestamp ts);
  void SaveAndSend(Rule& rule, Timestamp ts);
  void FillBatch(Rule& rule, Iteration& iteration, std::vector<RuleSample> samples, Batch& batch);
  void OnCommitted(Batch& batch, const storage::CommitResult& result);
  void NoteError(Rule& rule, const std::string& error);
  void PrepareLeftovers(Timestamp at, Batch& batch);
  bool HasSampleAfter(const Labels& series, Timestamp t) const;
  void ApplyRestored(Timestamp first);
  void ApplyClockJump(Duration jump);

  GroupEnvironment& env_;
  const GroupConfig config_;
  const uint64_t key_;
  const std::shared_ptr<GroupMetrics> metrics_;

  // Touched only by the evaluation under way, or while idle.
  std::vector<std::unique_ptr<Rule>> rules_;
  const std::vector<bool> waits_;  // by rule: RulesThatWait
  // Storage refused samples of rules that were stored together: from then on each is stored by
  // itself, so that the error is that of the right one.
  bool store_apart_ = false;
  std::vector<Labels> leftovers_;  // series of rules that are gone
  std::optional<StoredGroup> restored_;

  mutable std::mutex mutex_;  // guards all below, and the status in each Rule
  std::shared_ptr<const Labels> external_labels_;
  Timer timer_;
  bool stopped_ = false;
  bool running_ = false;
  std::vector<std::function<void()>> on_idle_;
  std::optional<Timestamp> last_slot_;
  std::optional<Timestamp> predecessor_slot_;  // the latest of the group this one took over from
  MonotonicTime last_tick_;
  Duration clock_jump_{0};  // since the latest evaluation
  std::optional<Timestamp> last_evaluation_;
  double evaluation_seconds_ = 0;
};

}  // namespace tocsin::rules
