#include "rules/group.h"

#include <utility>

#include "rules/group_parts.h"
#include "rules/rule_order.h"

namespace tocsin::rules {

Group::Group(GroupEnvironment& environment, GroupConfig config,
             std::shared_ptr<const Labels> external_labels)
    : env_(environment),
      config_(std::move(config)),
      key_(GroupKey(config_.file, config_.name)),
      metrics_(env_.MetricsOf(config_.file + ";" + config_.name)),
      waits_(RulesThatWait(config_)),
      external_labels_(std::move(external_labels)) {
  const std::vector<uint64_t> keys = RuleKeys(config_);
  for (size_t i = 0; i < config_.rules.size(); ++i) {
    auto rule = std::make_unique<Rule>();
    rule->config = config_.rules[i];
    rule->config.labels = MergeLabels(config_.labels, config_.rules[i].labels);
    rule->key = keys[i];
    if (!rule->config.alert.empty()) {
      rule->alerting = std::make_unique<AlertingRule>(rule->config);
      rule->writer.emplace(env_.ports.kv, key_, rule->key);
    }
    rules_.push_back(std::move(rule));
  }
  metrics_->interval.Set(ToSeconds(config_.interval));
  metrics_->rules.Set(static_cast<double>(rules_.size()));
}

Group::~Group() = default;

void Group::SetExternalLabels(std::shared_ptr<const Labels> labels) {
  std::lock_guard lock(mutex_);
  external_labels_ = std::move(labels);
}

Timestamp Group::SlotAt(Timestamp now) const {
  const int64_t interval = config_.interval.count();
  const auto offset = static_cast<int64_t>(key_ % static_cast<uint64_t>(interval));
  int64_t since = (now.ms - offset) % interval;
  if (since < 0) since += interval;
  return {now.ms - since};
}

void Group::Start() {
  std::vector<std::function<void()>> on_idle;
  {
    std::lock_guard lock(mutex_);
    running_ = false;
    on_idle.swap(on_idle_);
  }
  for (auto& idle : on_idle) idle();  // stopped before it began
  Schedule();
}

void Group::Schedule() {
  const Timestamp now = env_.ports.clock.Now();
  const Timestamp next = SlotAt(now) + config_.interval;
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  timer_ = env_.ports.scheduler.After(next - now, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->OnTimer();
  });
}

void Group::OnTimer() {
  const Timestamp slot = SlotAt(env_.ports.clock.Now());
  bool due = false;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    // A timer that came early, or a clock set back a little: this slot is done already.
    due = Follows(slot, last_slot_) && Follows(slot, predecessor_slot_);
    if (due) NoteTick(slot, env_.ports.clock.Monotonic());
  }
  if (due) {
    metrics_->iterations.Add();
    if (!Evaluate(slot, nullptr)) metrics_->iterations_missed.Add();
  }
  Schedule();
}

bool Group::Follows(Timestamp slot, const std::optional<Timestamp>& last) const {
  return !last || slot > *last || slot < *last - 2 * config_.interval;
}

// Ticks that never came (the process stood still) were missed; a wall clock that went further than
// time did was set, and what is measured by it moves along.
void Group::NoteTick(Timestamp slot, MonotonicTime now) {
  if (last_slot_) {
    const auto elapsed = std::chrono::duration_cast<Duration>(now - last_tick_);
    const int64_t intervals = (elapsed + config_.interval / 2) / config_.interval;
    if (intervals > 1) {
      metrics_->iterations.Add(static_cast<double>(intervals - 1));
      metrics_->iterations_missed.Add(static_cast<double>(intervals - 1));
    }
    const Duration jump = (slot - *last_slot_) - elapsed;
    if (std::chrono::abs(jump) > config_.interval) clock_jump_ += jump;
  }
  last_slot_ = slot;
  last_tick_ = now;
}

bool Group::Evaluate(Timestamp ts, std::function<void()> done) {
  if (!env_.TryEnter()) return false;
  auto iteration = std::make_shared<Iteration>();
  iteration->ts = ts;
  iteration->done = std::move(done);
  bool begin = false;
  {
    std::lock_guard lock(mutex_);
    begin = !running_ && !stopped_;
    if (begin) {
      running_ = true;
      iteration->clock_jump = std::exchange(clock_jump_, Duration{0});
      last_evaluation_ = env_.ports.clock.Now();
    }
  }
  if (!begin) {
    env_.Leave();
    return false;
  }
  env_.ports.workers.Post([self = shared_from_this(), iteration = std::move(iteration)]() mutable {
    iteration->started = self->env_.ports.clock.Monotonic();
    self->ApplyRestored(iteration->ts);
    self->ApplyClockJump(iteration->clock_jump);
    self->Run(std::move(iteration));
  });
  return true;
}

void Group::Stop(std::function<void()> idle) {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    timer_ = Timer();
    if (running_) {
      on_idle_.push_back(std::move(idle));
      return;
    }
  }
  idle();
}

GroupStatus Group::Status() const {
  GroupStatus status;
  status.name = config_.name;
  status.file = config_.file;
  status.interval = config_.interval;
  status.limit = config_.limit;
  {
    std::lock_guard lock(mutex_);
    status.evaluation_seconds = evaluation_seconds_;
    status.last_evaluation = last_evaluation_;
    for (const auto& rule : rules_) {
      RuleStatus& out = status.rules.emplace_back();
      out.config = rule->config;
      out.health = rule->health;
      out.last_error = rule->last_error;
      out.evaluation_seconds = rule->evaluation_seconds;
      out.last_evaluation = rule->last_evaluation;
    }
  }
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (!rules_[i]->alerting) continue;
    RuleStatus& out = status.rules[i];
    out.state = rules_[i]->alerting->state();
    for (AlertEntry& entry : rules_[i]->alerting->Entries()) {
      if (!entry.active()) continue;
      out.alerts.push_back({std::move(entry.labels), std::move(entry.annotations), entry.state,
                            entry.active_at, entry.keep_firing_since, entry.value});
    }
  }
  return status;
}

}  // namespace tocsin::rules
