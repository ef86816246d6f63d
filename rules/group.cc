#include "rules/group.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/recording_rule.h"
#include "storage/base/log.h"
#include "storage/model/matcher.h"

namespace tocsin::rules {

bool GroupEnvironment::TryEnter() {
  std::lock_guard lock(mutex_);
  if (closing_) return false;
  ++running_;
  return true;
}
void GroupEnvironment::Leave() {
  std::lock_guard lock(mutex_);
  --running_;
  idle_.notify_all();
}
void GroupEnvironment::CloseAndWait() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  idle_.wait(lock, [this] { return running_ == 0; });
}

std::shared_ptr<GroupMetrics> GroupEnvironment::MetricsOf(const std::string& group) {
  std::lock_guard lock(mutex_);
  auto& found = group_metrics_[group];
  if (!found) found = std::make_shared<GroupMetrics>(ports.metrics, group);
  return found;
}
void GroupEnvironment::DropUnusedMetrics() {
  std::lock_guard lock(mutex_);
  std::erase_if(group_metrics_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

struct Group::Rule {
  RuleConfig config;  // with the group's labels
  uint64_t key = 0;
  std::unique_ptr<AlertingRule> alerting;  // null: a recording rule
  std::optional<AlertStateWriter> writer;  // of alerting rules
  Produced produced;                       // by the latest evaluation that was stored
  storage::RowHint hint;

  // Guarded by the group's mutex.
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;
  double evaluation_seconds = 0;
  std::optional<Timestamp> last_evaluation;
};

// One pass over all rules.
struct Group::Iteration {
  Timestamp ts;
  MonotonicTime started;
  std::function<void()> done;
  Duration clock_jump{0};
  size_t next = 0;
  double samples = 0;
};

// What one rule stores.
struct Group::Batch {
  std::unique_ptr<storage::Appender> appender;
  Produced produced;
  storage::RowResult rows;  // of appending
  std::atomic<int> handshake{0};
};

namespace {

// Counts refused samples as one error text; empty when there are none.
std::string RefusedText(const storage::RowResult& rows) {
  std::string text;
  const auto add = [&](uint32_t n, std::string_view what) {
    if (n == 0) return;
    if (!text.empty()) text += "; ";
    text += fmt::format("{} samples {}", n, what);
  };
  add(rows.duplicates, "with a different value but the same timestamp were refused");
  add(rows.out_of_bounds, "too old or too far in the future were refused");
  add(rows.stale_refs, "of series that storage has dropped were refused");
  return text;
}

}  // namespace

Group::Group(GroupEnvironment& environment, GroupConfig config,
             std::shared_ptr<const Labels> external_labels)
    : env_(environment),
      config_(std::move(config)),
      key_(GroupKey(config_.file, config_.name)),
      metrics_(env_.MetricsOf(config_.file + ";" + config_.name)),
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

// --- schedule ------------------------------------------------------------------------------------

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
    due = !last_slot_ || slot > *last_slot_ || slot < *last_slot_ - 2 * config_.interval;
    if (due) NoteTick(slot, env_.ports.clock.Monotonic());
  }
  if (due) {
    metrics_->iterations.Add();
    if (!Evaluate(slot, nullptr)) metrics_->iterations_missed.Add();
  }
  Schedule();
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

// --- one evaluation ------------------------------------------------------------------------------

// Commits may end before Commit returns or later on a thread of the store. Whoever comes second of
// "returned" and "done" goes on, so that neither a stack grows nor a thread waits.
void Group::Run(std::shared_ptr<Iteration> iteration) {
  while (iteration->next <= rules_.size()) {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) break;
    }
    const bool last = iteration->next == rules_.size();
    Rule* rule = last ? nullptr : rules_[iteration->next].get();
    ++iteration->next;
    auto batch = std::make_shared<Batch>();
    const bool filled = last ? PrepareLeftovers(iteration->ts - *config_.query_offset, *batch)
                             : EvaluateRule(*rule, *iteration, *batch);
    iteration->samples += last_samples_;
    last_samples_ = 0;
    if (!filled) continue;
    storage::Appender& appender = *batch->appender;
    appender.Commit(
        [self = shared_from_this(), rule, batch, iteration](const storage::CommitResult& result) {
          self->OnCommitted(rule, *batch, result);
          if (batch->handshake.exchange(1) == 2) {
            self->env_.ports.workers.Post([self, iteration] { self->Run(iteration); });
          }
        });
    if (batch->handshake.exchange(2) != 1) return;
  }
  Finish(*iteration);
}

void Group::Finish(Iteration& iteration) {
  const bool has_alerts = std::any_of(rules_.begin(), rules_.end(), [](const auto& rule) {
    return rule->writer && rule->writer->has_alerts();
  });
  if (has_alerts) {
    if (auto ok = SaveEvaluationTime(env_.ports.kv, key_, iteration.ts); !ok.ok()) {
      env_.metrics.state_write_failures.Add();
    }
  }
  const double seconds = ToSeconds(env_.ports.clock.Monotonic() - iteration.started);
  env_.metrics.group_duration.Observe(seconds);
  metrics_->last_duration.Set(seconds);
  metrics_->last_evaluation.Set(iteration.ts.seconds());
  metrics_->last_samples.Set(iteration.samples);
  std::vector<std::function<void()>> on_idle;
  {
    std::lock_guard lock(mutex_);
    evaluation_seconds_ = seconds;
    running_ = false;
    on_idle.swap(on_idle_);
  }
  if (iteration.done) iteration.done();
  for (auto& idle : on_idle) idle();
  env_.Leave();
}

Result<std::vector<RuleSample>> Group::Ask(Rule& rule, Timestamp ts) {
  std::shared_ptr<const Labels> external_labels;
  {
    std::lock_guard lock(mutex_);
    external_labels = external_labels_;
  }
  const EvaluationContext context{env_.ports.engine,     ts,
                                  *config_.query_offset, config_.limit,
                                  *external_labels,      env_.options.external_url,
                                  env_.metrics.templates};
  return rule.alerting ? rule.alerting->Evaluate(context)
                       : EvaluateRecordingRule(rule.config, context);
}

bool Group::EvaluateRule(Rule& rule, const Iteration& iteration, Batch& batch) {
  const MonotonicTime started = env_.ports.clock.Monotonic();
  const Timestamp wall = env_.ports.clock.Now();
  auto samples = Ask(rule, iteration.ts);
  const double seconds = ToSeconds(env_.ports.clock.Monotonic() - started);
  metrics_->evaluations.Add();
  env_.metrics.rule_duration.Observe(seconds);
  {
    std::lock_guard lock(mutex_);
    rule.evaluation_seconds = seconds;
    rule.last_evaluation = wall;
    if (samples.ok()) {
      rule.health = RuleHealth::kOk;
      rule.last_error.clear();
    }
  }
  // The group's limit drops the alerts: that is a change worth keeping.
  const bool dropped = rule.alerting && !samples.ok() &&
                       samples.error().code() == ErrorCode::kLimit &&
                       rule.alerting->Entries().empty();
  if (rule.alerting && (samples.ok() || dropped)) SaveAndSend(rule, iteration.ts);
  if (!samples.ok()) {
    NoteError(rule, samples.error().message());
    return false;
  }
  last_samples_ = static_cast<double>(samples->size());
  return FillBatch(rule, iteration.ts - *config_.query_offset, *std::move(samples), batch);
}

// State first: what a receiver was told is known after a kill.
void Group::SaveAndSend(Rule& rule, Timestamp ts) {
  if (auto ok = rule.writer->Save(rule.alerting->Entries(), ts); !ok.ok()) {
    env_.metrics.state_write_failures.Add();
    log::Error(
        "Alert state could not be stored; after a restart these alerts begin anew",
        {{"group", config_.name}, {"alert", rule.config.alert}, {"error", ok.error().message()}});
  }
  auto alerts = rule.alerting->TakeDue(ts, config_.interval, env_.options.resend_delay,
                                       env_.options.external_url);
  if (!alerts.empty()) env_.ports.sink.Send(std::move(alerts));
}

bool Group::FillBatch(Rule& rule, Timestamp at, std::vector<RuleSample> samples, Batch& batch) {
  if (samples.empty() && rule.produced.empty()) return false;
  // A ref that storage has dropped since: once more, with new ones.
  for (bool fresh : {false, true}) {
    if (fresh) rule.hint = {};
    batch.appender = env_.ports.storage.NewAppender();
    batch.produced.clear();
    batch.rows = {};
    std::vector<SeriesRef> refs;
    std::vector<double> values;
    const auto ref_of = [&](const Labels& labels) -> Result<SeriesRef> {
      const auto known = rule.produced.find(labels);
      if (!fresh && known != rule.produced.end()) return known->second;
      return batch.appender->Resolve(labels);
    };
    for (const RuleSample& sample : samples) {
      auto ref = ref_of(sample.labels);
      if (!ref.ok()) {
        NoteError(rule, ref.error().message());
        continue;
      }
      batch.produced.emplace(sample.labels, *ref);
      if (!sample.histogram) {
        refs.push_back(*ref);
        values.push_back(sample.value);
      } else if (auto ok = batch.appender->AppendHistogram(*ref, at, *sample.histogram); !ok.ok()) {
        NoteError(rule, ok.error().message());
      }
    }
    for (const auto& [labels, old_ref] : rule.produced) {
      if (batch.produced.contains(labels)) continue;
      if (auto ref = ref_of(labels); ref.ok()) {
        refs.push_back(*ref);
        values.push_back(StaleMarker());
      }
    }
    batch.rows = batch.appender->AppendRow(rule.hint, at, refs, values);
    if (batch.rows.stale_refs == 0) break;
  }
  return true;
}

void Group::OnCommitted(Rule* rule, Batch& batch, const storage::CommitResult& result) {
  storage::RowResult rows = batch.rows;
  rows += result.rows;
  rows += result.histograms;
  std::string error =
      result.status.ok() ? RefusedText(rows) : "store: " + result.status.error().message();
  if (rule == nullptr) {
    if (!error.empty()) {
      log::Warn("Staleness markers were not stored", {{"group", config_.name}, {"error", error}});
    }
    return;
  }
  if (result.status.ok()) rule->produced = std::move(batch.produced);
  // Refused duplicates of unchanged values are not counted by the store: what is left is real.
  if (rows.stale_refs > 0) rule->produced.clear();
  if (!error.empty()) NoteError(*rule, error);
}

void Group::NoteError(Rule& rule, const std::string& error) {
  bool again = false;
  {
    std::lock_guard lock(mutex_);
    again = rule.health == RuleHealth::kErr && rule.last_error == error;
    rule.health = RuleHealth::kErr;
    rule.last_error = error;
  }
  metrics_->evaluation_failures.Add();
  if (again) return;  // the counter tells that it goes on
  log::Warn("Evaluating rule failed", {{"file", config_.file},
                                       {"group", config_.name},
                                       {"rule", rule.config.name()},
                                       {"error", error}});
}

// --- what was before -----------------------------------------------------------------------------

bool Group::PrepareLeftovers(Timestamp at, Batch& batch) {
  if (leftovers_.empty()) return false;
  batch.appender = env_.ports.storage.NewAppender();
  std::vector<SeriesRef> refs;
  for (const Labels& labels : leftovers_) {
    const bool live = std::any_of(rules_.begin(), rules_.end(), [&](const auto& rule) {
      return rule->produced.contains(labels);
    });
    if (live) continue;
    if (auto ref = batch.appender->Resolve(labels); ref.ok()) refs.push_back(*ref);
  }
  leftovers_.clear();
  if (refs.empty()) return false;
  storage::RowHint hint;
  batch.rows =
      batch.appender->AppendRow(hint, at, refs, std::vector<double>(refs.size(), StaleMarker()));
  return true;
}

void Group::EndSeries() {
  std::optional<Timestamp> last;
  {
    std::lock_guard lock(mutex_);
    last = last_slot_;
  }
  if (!last) return;
  for (auto& rule : rules_) {
    for (const auto& [labels, ref] : rule->produced) {
      if (!HasSampleAfter(labels, *last - *config_.query_offset)) leftovers_.push_back(labels);
    }
    rule->produced.clear();
  }
  auto batch = std::make_shared<Batch>();
  if (!PrepareLeftovers(env_.ports.clock.Now(), *batch) || !env_.TryEnter()) return;
  batch->appender->Commit([self = shared_from_this(), batch](const storage::CommitResult& result) {
    self->OnCommitted(nullptr, *batch, result);
    self->env_.Leave();
  });
}

bool Group::HasSampleAfter(const Labels& series, Timestamp t) const {
  std::vector<Matcher> matchers;
  for (const Label& label : series) {
    matchers.emplace_back(MatchOp::kEqual, std::string(label.name), std::string(label.value));
  }
  const Timestamp to = env_.ports.clock.Now() + Duration{3'600'000};
  const auto found = env_.ports.queryable.Select(matchers, t + Duration{1}, to, {});
  if (!found.ok()) return false;
  for (size_t i = 0; i < (*found)->size(); ++i) {
    if ((*found)->labels(i) != series) continue;
    const auto reader = (*found)->NewReader();
    storage::SampleBlock block;
    if (!reader->Seek(i).ok()) continue;
    if (const auto any = reader->Next(&block); any.ok() && *any) return true;
  }
  return false;
}

void Group::TakeOver(Group& old) {
  for (auto& old_rule : old.rules_) {
    const auto it = std::find_if(rules_.begin(), rules_.end(),
                                 [&](const auto& rule) { return rule->key == old_rule->key; });
    if (it == rules_.end()) {
      for (const auto& [labels, ref] : old_rule->produced) leftovers_.push_back(labels);
      continue;
    }
    Rule& rule = **it;
    rule.produced = std::move(old_rule->produced);
    if (rule.alerting && old_rule->alerting) {
      auto entries = old_rule->alerting->Entries();
      rule.writer->Assume(entries);
      rule.alerting->Restore(std::move(entries));
    }
    std::scoped_lock lock(mutex_, old.mutex_);
    rule.health = old_rule->health;
    rule.last_error = old_rule->last_error;
    rule.evaluation_seconds = old_rule->evaluation_seconds;
    rule.last_evaluation = old_rule->last_evaluation;
  }
  leftovers_.insert(leftovers_.end(), old.leftovers_.begin(), old.leftovers_.end());
  restored_ = std::move(old.restored_);
  std::scoped_lock lock(mutex_, old.mutex_);
  last_evaluation_ = old.last_evaluation_;
  evaluation_seconds_ = old.evaluation_seconds_;
}

void Group::Restore(const StoredGroup& stored) {
  restored_ = stored;
  for (auto& rule : rules_) {
    const auto it = stored.rules.find(rule->key);
    if (it == stored.rules.end() || !rule->alerting) continue;
    rule->writer->Assume(it->second);
    rule->alerting->Restore(it->second);  // to be seen until the first evaluation
  }
}

void Group::ApplyRestored(Timestamp first) {
  if (!restored_) return;
  for (auto& rule : rules_) {
    const auto it = restored_->rules.find(rule->key);
    if (it == restored_->rules.end() || !rule->alerting) continue;
    rule->alerting->Restore(
        AfterDowntime(it->second, restored_->last_evaluation, first, config_.interval));
  }
  restored_.reset();
}

void Group::ApplyClockJump(Duration jump) {
  if (jump.count() == 0) return;
  log::Warn("The clock was set; alerts keep the time they have been pending",
            {{"group", config_.name}, {"seconds", ToSeconds(jump)}});
  for (auto& rule : rules_) {
    if (rule->alerting) rule->alerting->Shift(jump);
  }
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
