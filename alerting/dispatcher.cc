#include "alerting/dispatcher.h"

#include <algorithm>
#include <utility>

#include "storage/base/log.h"

namespace tocsin::alerting {
namespace {

// A flush may retry at least so long, however short the group's interval is.
constexpr Duration kMinFlushTime{10'000};

}  // namespace

Dispatcher::Dispatcher(PipelinePartsPtr parts, storage::KvStore& store,
                       uint64_t max_alerts_per_name)
    : parts_(std::move(parts)), store_(store), alerts_(max_alerts_per_name) {}

Status Dispatcher::Load() {
  TOCSIN_ASSIGN(SavedState saved, LoadState(store_));
  std::lock_guard lock(mutex_);
  for (auto& [alert, resolved] : saved.alerts) alerts_.Restore(std::move(alert), resolved);
  saved_timers_ = std::move(saved.groups);
  return OkStatus();
}

void Dispatcher::Apply(std::shared_ptr<Runtime> runtime) {
  std::vector<std::shared_ptr<Flush>> running;
  {
    std::lock_guard write_lock(write_mutex_);
    StateChanges changes;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [key, flush] : flushes_) running.push_back(flush);
      Rebuild(std::move(runtime), changes);
    }
    Write(std::move(changes));
  }
  for (const auto& flush : running) flush->StopRetrying();
}

void Dispatcher::Rebuild(std::shared_ptr<Runtime> runtime, StateChanges& changes) {
  const Timestamp now = parts_->clock.Now();
  const auto old_groups = std::exchange(groups_, {});
  runtime_ = std::move(runtime);
  std::vector<uint64_t> to_route;
  for (const auto& [fingerprint, entry] : alerts_.entries()) {
    // What has ended and left its groups stays out of the new ones.
    if (!applied_ || entry.groups > 0 || !entry.alert->ResolvedAt(now)) {
      to_route.push_back(fingerprint);
    }
  }
  for (const uint64_t fingerprint : to_route) {
    AlertStore::Entry& entry = *alerts_.Find(fingerprint);
    if (!applied_) GiveGrace(entry, now);
    entry.groups = 0;
    RouteAlert(entry, now, changes);
  }
  for (const auto& [key, group] : old_groups) {
    if (!groups_.contains(key)) changes.ForgetGroup(key);
  }
  for (const auto& [key, next] : saved_timers_) {
    if (!groups_.contains(key)) changes.ForgetGroup(key);
  }
  saved_timers_.clear();
  applied_ = true;
  parts_->metrics->groups.Set(static_cast<double>(groups_.size()));
}

// Nobody could speak for an alert while the program was down: its senders get the usual time.
void Dispatcher::GiveGrace(AlertStore::Entry& entry, Timestamp now) {
  const Timestamp grace = now + runtime_->config->global.resolve_timeout;
  if (!entry.restored || entry.saved_resolved || entry.alert->ends_at >= grace) return;
  Alert alert = *entry.alert;
  alert.ends_at = grace;
  alert.timeout = true;
  entry.alert = std::make_shared<const Alert>(std::move(alert));
}

void Dispatcher::Stop() {
  absl::flat_hash_map<std::string, std::shared_ptr<Flush>> flushes;
  absl::flat_hash_map<std::string, Group> groups;
  {
    // Whoever is writing comes to its end first; later ones see that it is over.
    std::lock_guard write_lock(write_mutex_);
    std::lock_guard lock(mutex_);
    stopped_ = true;
    flushes.swap(flushes_);
    groups.swap(groups_);
  }
  for (const auto& [key, flush] : flushes) flush->Abort();
}

void Dispatcher::Put(std::vector<Alert> alerts) {
  std::lock_guard write_lock(write_mutex_);
  StateChanges changes;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    const Timestamp now = parts_->clock.Now();
    bool tidied = false;
    for (Alert& alert : alerts) {
      if (!alerts_.HasRoom(alert)) {
        // What has ended makes room; looking for it once a batch is enough.
        if (!std::exchange(tidied, true)) DropEnded(now, changes);
        if (!alerts_.HasRoom(alert)) {
          parts_->metrics->limited.Add();
          continue;
        }
      }
      AlertStore::Entry& entry = alerts_.Put(std::move(alert), now);
      if (runtime_) RouteAlert(entry, now, changes);
      changes.Note(entry, now);
    }
    parts_->metrics->groups.Set(static_cast<double>(groups_.size()));
  }
  Write(std::move(changes));
}

void Dispatcher::RouteAlert(AlertStore::Entry& entry, Timestamp now, StateChanges& changes) {
  const Alert& alert = *entry.alert;
  const uint64_t fingerprint = alert.fingerprint();
  runtime_->inhibitor.Update(entry.alert);
  for (const Route* route : runtime_->routes.Match(alert.labels)) {
    Labels labels = route->GroupLabels(alert.labels);
    std::string id = GroupId(*route, labels);
    AggregationGroup& group =
        FindGroup(*route, std::move(labels), std::move(id), alert, now, changes);
    const auto [member, is_new] = group.alerts.insert_or_assign(fingerprint, entry.alert);
    if (is_new) ++entry.groups;
    // The end of an alert that was told of before the restart is told without waiting, as by an
    // Alertmanager, whose groups begin anew. The message counts as that of the tick to come: the
    // repetitions go on as if there had been no restart.
    if (group.restored && !entry.restored && alert.ResolvedAt(now)) {
      group.restored = false;
      parts_->scheduler.Post([weak = weak_from_this(), group_id = group.id, serial = group.serial] {
        if (auto self = weak.lock()) self->PostTick(group_id, serial, false);
      });
    }
  }
}

AggregationGroup& Dispatcher::FindGroup(const Route& route, Labels labels, std::string id,
                                        const Alert& first, Timestamp now, StateChanges& changes) {
  if (const auto it = groups_.find(id); it != groups_.end()) return *it->second;
  auto group = std::make_unique<AggregationGroup>();
  group->serial = next_serial_++;
  group->route = &route;
  group->labels = std::move(labels);
  group->key = GroupKey(route, group->labels);
  group->id = id;
  // An alert that has waited long enough elsewhere does not wait again.
  Duration delay = first.starts_at + route.group_wait < now ? Duration{0} : route.group_wait;
  if (const auto saved = saved_timers_.find(id); saved != saved_timers_.end()) {
    group->restored = true;
    delay = std::clamp(saved->second - now, Duration{0},
                       std::max(route.group_wait, route.group_interval));
  }
  Arm(*group, delay, now);
  changes.NoteGroup(id, group->next_flush);
  return *groups_.emplace(std::move(id), std::move(group)).first->second;
}

void Dispatcher::Arm(AggregationGroup& group, Duration delay, Timestamp now) {
  group.next_flush = now + delay;
  group.timer = parts_->scheduler.After(
      delay, [weak = weak_from_this(), id = group.id, serial = group.serial] {
        if (auto self = weak.lock()) self->PostTick(id, serial, true);
      });
}

void Dispatcher::PostTick(const std::string& id, uint64_t serial, bool on_grid) {
  parts_->workers.Post([weak = weak_from_this(), id, serial, on_grid] {
    if (auto self = weak.lock()) self->OnTick(id, serial, on_grid);
  });
}

void Dispatcher::OnTick(const std::string& id, uint64_t serial, bool on_grid) {
  std::shared_ptr<Flush> flush;
  {
    std::lock_guard write_lock(write_mutex_);
    StateChanges changes;
    {
      std::lock_guard lock(mutex_);
      const auto it = groups_.find(id);
      if (stopped_ || it == groups_.end() || it->second->serial != serial) return;
      AggregationGroup& group = *it->second;
      if (flushes_.contains(id)) {
        group.tick_waiting = group.tick_waiting || on_grid;
        return;
      }
      const Timestamp now = parts_->clock.Now();
      group.restored = false;
      const Timestamp told_at = on_grid ? now : std::max(now, group.next_flush);
      if (on_grid) {
        Arm(group, group.route->group_interval, now);
        changes.NoteGroup(id, group.next_flush);
      }
      flush = PrepareFlush(group, now, told_at, changes);
      flushes_.emplace(id, flush);
    }
    Write(std::move(changes));
  }
  flush->Start();
}

std::shared_ptr<Flush> Dispatcher::PrepareFlush(AggregationGroup& group, Timestamp now,
                                                Timestamp told_at, StateChanges& changes) {
  FlushInput input;
  input.runtime = runtime_;
  input.route = group.route;
  input.group_key = group.key;
  input.group_labels = group.labels;
  input.alerts = group.Snapshot(now);
  input.now = now;
  input.told_at = told_at;
  input.deadline = parts_->clock.Monotonic();
  input.deadline.since_start += std::max(group.route->group_interval, kMinFlushTime);
  std::vector<AlertPtr> resolved;
  for (const auto& [fingerprint, alert] : group.alerts) {
    if (!alert->ResolvedAt(now)) continue;
    resolved.push_back(alert);
    // Some ended because nobody spoke for them: that is saved before it is told, so that a
    // restart in between does not take them for firing.
    if (AlertStore::Entry* entry = alerts_.Find(fingerprint)) changes.Note(*entry, now);
  }
  return std::make_shared<Flush>(parts_, std::move(input),
                                 [weak = weak_from_this(), id = group.id, serial = group.serial,
                                  resolved = std::move(resolved)](const FlushResult& result) {
                                   if (auto self = weak.lock())
                                     self->OnFlushed(id, serial, resolved, result);
                                 });
}

void Dispatcher::OnFlushed(const std::string& id, uint64_t serial,
                           const std::vector<AlertPtr>& resolved, const FlushResult& result) {
  std::shared_ptr<Flush> finished;  // freed outside the locks
  uint64_t waiting = 0;
  {
    std::lock_guard write_lock(write_mutex_);
    StateChanges changes;
    {
      std::lock_guard lock(mutex_);
      if (const auto it = flushes_.find(id); it != flushes_.end()) {
        finished = std::move(it->second);
        flushes_.erase(it);
      }
      const auto it = groups_.find(id);
      if (stopped_ || it == groups_.end()) return;
      AggregationGroup& group = *it->second;
      if (std::exchange(group.tick_waiting, false)) waiting = group.serial;
      if (group.serial == serial) {
        group.muted_by = result.muted_by;
        const Timestamp now = parts_->clock.Now();
        if (result.ok) {
          for (const uint64_t fingerprint : group.Leave(resolved)) {
            MemberLeft(fingerprint, now, changes);
          }
        }
        if (group.alerts.empty()) {
          DestroyGroup(id, changes);
          waiting = 0;
        }
      }
    }
    Write(std::move(changes));
  }
  if (waiting != 0) PostTick(id, waiting, true);
}

void Dispatcher::DestroyGroup(const std::string& id, StateChanges& changes) {
  changes.ForgetGroup(id);
  groups_.erase(id);
  parts_->metrics->groups.Set(static_cast<double>(groups_.size()));
}

void Dispatcher::MemberLeft(uint64_t fingerprint, Timestamp now, StateChanges& changes) {
  AlertStore::Entry* entry = alerts_.Find(fingerprint);
  if (entry == nullptr || --entry->groups > 0 || !entry->alert->ResolvedAt(now)) return;
  entry->saved = false;
  changes.Forget(fingerprint);
}

void Dispatcher::CollectGarbage() {
  std::lock_guard write_lock(write_mutex_);
  StateChanges changes;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    const Timestamp now = parts_->clock.Now();
    DropEnded(now, changes);
    if (runtime_) runtime_->inhibitor.CollectGarbage(now);
  }
  Write(std::move(changes));
}

void Dispatcher::DropEnded(Timestamp now, StateChanges& changes) {
  for (const uint64_t fingerprint : alerts_.CollectGarbage(now)) changes.Forget(fingerprint);
}

void Dispatcher::Write(StateChanges changes) {
  if (auto status = WriteState(store_, std::move(changes)); !status.ok()) {
    parts_->metrics->store_errors.Add();
    log::Error("Alerts and groups could not be written; a restart may forget them",
               {{"error", status.error().message()}});
  }
}

bool Dispatcher::IsShown(const Alert& alert, Timestamp now) const {
  if (alert.ResolvedAt(now)) return false;
  const AlertStore::Entry* entry = alerts_.Find(alert.fingerprint());
  return entry != nullptr && !entry->restored;
}

Dispatcher::Shown Dispatcher::Show(bool with_groups) const {
  std::lock_guard lock(mutex_);
  const Timestamp now = parts_->clock.Now();
  Shown out;
  out.runtime = runtime_;
  for (const auto& [fingerprint, entry] : alerts_.entries()) {
    if (IsShown(*entry.alert, now)) out.alerts.push_back(entry.alert);
  }
  if (!with_groups) return out;
  for (const auto& [key, group] : groups_) {
    GroupShown shown{group->route, group->labels, group->muted_by, {}};
    for (const auto& [fingerprint, alert] : group->alerts) {
      if (IsShown(*alert, now)) shown.alerts.push_back(alert);
    }
    if (!shown.alerts.empty()) out.groups.push_back(std::move(shown));
  }
  return out;
}

std::shared_ptr<const Runtime> Dispatcher::runtime() const {
  std::lock_guard lock(mutex_);
  return runtime_;
}

}  // namespace tocsin::alerting
