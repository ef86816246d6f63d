// Takes alerts in, keeps them in groups by the routing tree, and flushes each group on its own
// timer through the pipeline. State goes to the store as it changes, so that a restart goes on
// where it was. Thread-safe.
//
// Ticks of a group stay on a grid: first flush + k * group_interval. One flush per group at a
// time, also over a reload; a tick that comes meanwhile waits and follows at once.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "alerting/aggregation_group.h"
#include "alerting/alert_store.h"
#include "alerting/pipeline/flush.h"
#include "alerting/pipeline/stage.h"
#include "alerting/state_store.h"

namespace tocsin::alerting {

class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  // REQUIRES: `store` outlives it.
  // `max_alerts_per_name`: further alerts of an alertname are dropped; 0: no limit.
  Dispatcher(PipelinePartsPtr parts, storage::KvStore& store, uint64_t max_alerts_per_name = 0);

  // Takes back the alerts and timers of before the last start. Call once, before Apply.
  Status Load();
  // Rebuilds the groups by the new tree.
  void Apply(std::shared_ptr<Runtime> runtime);
  // Ends everything: timers, flushes, what is on the wire. The store is not used afterwards.
  void Stop();

  // REQUIRES: all valid, with times (FillInTimes).
  void Put(std::vector<Alert> alerts);
  // Forgets what has ended and is nowhere needed.
  void CollectGarbage();

  // What to show: alerts that have not ended and that a sender told of since the start.
  struct GroupShown {
    const Route* route = nullptr;  // of `runtime`
    Labels labels;
    std::vector<std::string> muted_by;
    std::vector<AlertPtr> alerts;
  };
  struct Shown {
    std::shared_ptr<const Runtime> runtime;  // null before the first Apply
    std::vector<AlertPtr> alerts;
    std::vector<GroupShown> groups;
  };
  Shown Show(bool with_groups) const;
  std::shared_ptr<const Runtime> runtime() const;

 private:
  using Group = std::unique_ptr<AggregationGroup>;

  // REQUIRES of these: mutex_ is held.
  void Rebuild(std::shared_ptr<Runtime> runtime, StateChanges& changes);
  void GiveGrace(AlertStore::Entry& entry, Timestamp now);
  void RouteAlert(AlertStore::Entry& entry, Timestamp now, StateChanges& changes);
  AggregationGroup& FindGroup(const Route& route, Labels labels, std::string id, const Alert& first,
                              Timestamp now, StateChanges& changes);
  void Arm(AggregationGroup& group, Duration delay, Timestamp now);
  // `told_at`: see FlushInput.
  std::shared_ptr<Flush> PrepareFlush(AggregationGroup& group, Timestamp now, Timestamp told_at,
                                      StateChanges& changes);
  void DestroyGroup(const std::string& id, StateChanges& changes);
  void DropEnded(Timestamp now, StateChanges& changes);
  void MemberLeft(uint64_t fingerprint, Timestamp now, StateChanges& changes);
  bool IsShown(const Alert& alert, Timestamp now) const;

  // `on_grid`: the next tick comes group_interval later; else the timer goes on as it is.
  void PostTick(const std::string& id, uint64_t serial, bool on_grid);
  void OnTick(const std::string& id, uint64_t serial, bool on_grid);
  void OnFlushed(const std::string& id, uint64_t serial, const std::vector<AlertPtr>& resolved,
                 const FlushResult& result);
  void Write(StateChanges changes);

  const PipelinePartsPtr parts_;
  storage::KvStore& store_;

  // Taken before mutex_ by whoever changes state, and held while the change is written: changes
  // reach the store in the order in which they were made.
  std::mutex write_mutex_;

  mutable std::mutex mutex_;
  std::shared_ptr<Runtime> runtime_;
  AlertStore alerts_;
  absl::flat_hash_map<std::string, Group> groups_;                    // by GroupId
  absl::flat_hash_map<std::string, std::shared_ptr<Flush>> flushes_;  // under way, by GroupId
  std::map<std::string, Timestamp> saved_timers_;  // of before the start; used by the first Apply
  uint64_t next_serial_ = 1;
  bool applied_ = false;
  bool stopped_ = false;
};

}  // namespace tocsin::alerting
