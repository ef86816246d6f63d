#include "rules/group.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/recording_rule.h"
#include "rules/rule_order.h"
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

int GroupEnvironment::TakeEvaluators(int wanted) {
  std::lock_guard lock(mutex_);
  const int taken = std::clamp(options.max_concurrent_evals - evaluators_, 0, wanted);
  evaluators_ += taken;
  return taken;
}
void GroupEnvironment::GiveBackEvaluator() {
  std::lock_guard lock(mutex_);
  --evaluators_;
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
  bool unsaved = false;                    // states that the writer has not stored
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
  size_t next = 0;  // rule; beyond the last one: series of rules that are gone
  double samples = 0;
};

// What some rules store together.
struct Group::Batch {
  struct Part {
    Rule* rule = nullptr;  // null: series of rules that are gone
    Produced produced;
    storage::RowResult rows;  // of appending
  };
  std::unique_ptr<storage::Appender> appender;  // null: nothing to store
  std::vector<Part> parts;
  size_t samples = 0;
  std::atomic<int> handshake{0};

  Part& Add(storage::Appendable& storage, Rule* rule) {
    if (!appender) appender = storage.NewAppender();
    Part& part = parts.emplace_back();
    part.rule = rule;
    return part;
  }
};

// Rules that several workers evaluate at once. Whoever ends the last one goes on.
struct Group::Round {
  std::shared_ptr<Iteration> iteration;
  size_t first = 0, end = 0;
  std::atomic<size_t> next{0}, done{0};
  std::vector<std::optional<std::vector<RuleSample>>> results;
};

namespace {

// Bounds what rules that are stored together hold in memory.
constexpr size_t kMaxBatchSamples = 20'000;

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

// --- one evaluation ------------------------------------------------------------------------------

// Commits may end before Commit returns or later on a thread of the store. Whoever comes second of
// "returned" and "done" goes on, so that neither a stack grows nor a thread waits.
void Group::Run(std::shared_ptr<Iteration> iteration) {
  while (iteration->next <= rules_.size() && !Stopped()) {
    auto batch = std::make_shared<Batch>();
    if (iteration->next == rules_.size()) {
      ++iteration->next;
      PrepareLeftovers(iteration->ts - *config_.query_offset, *batch);
    } else if (StartRound(iteration)) {
      return;
    } else {
      EvaluateInOrder(*iteration, *batch);
    }
    if (!Commit(iteration, std::move(batch))) return;
  }
  Finish(*iteration);
}

bool Group::Commit(const std::shared_ptr<Iteration>& iteration, std::shared_ptr<Batch> batch) {
  if (!batch->appender) return true;
  storage::Appender& appender = *batch->appender;
  appender.Commit(
      [self = shared_from_this(), batch, iteration](const storage::CommitResult& result) {
        self->OnCommitted(*batch, result);
        if (batch->handshake.exchange(1) == 2) {
          self->env_.ports.workers.Post([self, iteration] { self->Run(iteration); });
        }
      });
  return batch->handshake.exchange(2) == 1;
}

bool Group::Stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

size_t Group::EndOfBatch(size_t first) const {
  size_t end = first + 1;
  while (!store_apart_ && end < rules_.size() && !waits_[end]) ++end;
  return end;
}

void Group::EvaluateInOrder(Iteration& iteration, Batch& batch) {
  const size_t end = EndOfBatch(iteration.next);
  do {
    Rule& rule = *rules_[iteration.next++];
    if (auto samples = EvaluateRule(rule, iteration)) {
      FillBatch(rule, iteration, *std::move(samples), batch);
    }
  } while (iteration.next < end && batch.samples < kMaxBatchSamples && !Stopped());
}

bool Group::StartRound(const std::shared_ptr<Iteration>& iteration) {
  if (env_.options.max_concurrent_evals <= 1) return false;
  auto round = std::make_shared<Round>();
  round->first = iteration->next;
  round->end = EndOfBatch(round->first);
  const size_t rules = round->end - round->first;
  if (rules == 1) return false;
  iteration->next = round->end;
  round->iteration = iteration;
  round->next = round->first;
  round->results.resize(rules);
  // This worker is one of them.
  const int wanted = static_cast<int>(std::min<size_t>(
                         rules, static_cast<size_t>(env_.options.max_concurrent_evals))) -
                     1;
  for (int n = env_.TakeEvaluators(wanted); n > 0; --n) {
    if (!env_.TryEnter()) {
      env_.GiveBackEvaluator();
      continue;
    }
    env_.ports.workers.Post([self = shared_from_this(), round] {
      self->WorkOn(round);
      self->env_.GiveBackEvaluator();
      self->env_.Leave();
    });
  }
  WorkOn(round);
  return true;
}

void Group::WorkOn(const std::shared_ptr<Round>& round) {
  while (true) {
    const size_t i = round->next.fetch_add(1);
    if (i >= round->end) return;
    round->results[i - round->first] = EvaluateRule(*rules_[i], *round->iteration);
    if (round->done.fetch_add(1) + 1 == round->results.size()) FinishRound(*round);
  }
}

void Group::FinishRound(Round& round) {
  auto batch = std::make_shared<Batch>();
  for (size_t i = 0; i < round.results.size(); ++i) {
    if (!round.results[i]) continue;
    FillBatch(*rules_[round.first + i], *round.iteration, *std::move(round.results[i]), *batch);
  }
  if (Commit(round.iteration, std::move(batch))) {
    env_.ports.workers.Post(
        [self = shared_from_this(), iteration = round.iteration] { self->Run(iteration); });
  }
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

std::optional<std::vector<RuleSample>> Group::EvaluateRule(Rule& rule, const Iteration& iteration) {
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
    return std::nullopt;
  }
  return *std::move(samples);
}

// State first: what a receiver was told is known after a kill.
void Group::SaveAndSend(Rule& rule, Timestamp ts) {
  rule.unsaved |= rule.alerting->TakeChanged();
  const auto save = [&]() -> tocsin::Status {
    if (!rule.unsaved) return OkStatus();
    TOCSIN_RETURN_IF_ERROR(rule.writer->Save(rule.alerting->Entries(), ts));
    rule.unsaved = false;
    return OkStatus();
  };
  if (auto ok = save(); !ok.ok()) {
    env_.metrics.state_write_failures.Add();
    log::Error(
        "Alert state could not be stored; after a restart these alerts begin anew",
        {{"group", config_.name}, {"alert", rule.config.alert}, {"error", ok.error().message()}});
  }
  auto alerts = rule.alerting->TakeDue(ts, config_.interval, env_.options.resend_delay,
                                       env_.options.external_url);
  if (!alerts.empty()) env_.ports.sink.Send(std::move(alerts));
}

void Group::FillBatch(Rule& rule, Iteration& iteration, std::vector<RuleSample> samples,
                      Batch& batch) {
  iteration.samples += static_cast<double>(samples.size());
  if (samples.empty() && rule.produced.empty()) return;
  const Timestamp at = iteration.ts - *config_.query_offset;
  Batch::Part& part = batch.Add(env_.ports.storage, &rule);
  batch.samples += samples.size();
  // A ref that storage has dropped since: once more, with new ones. What was taken the first time
  // is the same again, which is no duplicate.
  for (bool fresh : {false, true}) {
    if (fresh) rule.hint = {};
    part.produced.clear();
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
      part.produced.emplace(sample.labels, *ref);
      if (!sample.histogram) {
        refs.push_back(*ref);
        values.push_back(sample.value);
      } else if (auto ok = batch.appender->AppendHistogram(*ref, at, *sample.histogram); !ok.ok()) {
        NoteError(rule, ok.error().message());
      }
    }
    for (const auto& [labels, old_ref] : rule.produced) {
      if (part.produced.contains(labels)) continue;
      if (auto ref = ref_of(labels); ref.ok()) {
        refs.push_back(*ref);
        values.push_back(StaleMarker());
      }
    }
    part.rows = batch.appender->AppendRow(rule.hint, at, refs, values);
    if (part.rows.stale_refs == 0) break;
  }
}

void Group::OnCommitted(Batch& batch, const storage::CommitResult& result) {
  // What was refused only now is not told by rule.
  storage::RowResult late = result.rows;
  late += result.histograms;
  if (!late.all_appended() && batch.parts.size() > 1) store_apart_ = true;
  for (Batch::Part& part : batch.parts) {
    storage::RowResult rows = part.rows;
    rows += late;
    const std::string error =
        result.status.ok() ? RefusedText(rows) : "store: " + result.status.error().message();
    if (part.rule == nullptr) {
      if (error.empty()) continue;
      log::Warn("Staleness markers were not stored", {{"group", config_.name}, {"error", error}});
      continue;
    }
    if (result.status.ok()) part.rule->produced = std::move(part.produced);
    // Refused duplicates of unchanged values are not counted by the store: what is left is real.
    if (rows.stale_refs > 0) part.rule->produced.clear();
    if (!error.empty()) NoteError(*part.rule, error);
  }
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

void Group::PrepareLeftovers(Timestamp at, Batch& batch) {
  if (leftovers_.empty()) return;
  Batch::Part& part = batch.Add(env_.ports.storage, nullptr);
  std::vector<SeriesRef> refs;
  for (const Labels& labels : leftovers_) {
    const bool live = std::any_of(rules_.begin(), rules_.end(), [&](const auto& rule) {
      return rule->produced.contains(labels);
    });
    if (live) continue;
    if (auto ref = batch.appender->Resolve(labels); ref.ok()) refs.push_back(*ref);
  }
  leftovers_.clear();
  if (refs.empty()) {
    batch.appender.reset();
    return;
  }
  storage::RowHint hint;
  part.rows =
      batch.appender->AppendRow(hint, at, refs, std::vector<double>(refs.size(), StaleMarker()));
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
  PrepareLeftovers(*last + config_.interval - *config_.query_offset, *batch);
  if (!batch->appender || !env_.TryEnter()) return;
  batch->appender->Commit([self = shared_from_this(), batch](const storage::CommitResult& result) {
    self->OnCommitted(*batch, result);
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
  predecessor_slot_ = old.last_slot_;
}

void Group::TakeOverSeries(Group& old) {
  for (auto& rule : old.rules_) {
    for (const auto& [labels, ref] : rule->produced) leftovers_.push_back(labels);
  }
  leftovers_.insert(leftovers_.end(), old.leftovers_.begin(), old.leftovers_.end());
  std::scoped_lock lock(mutex_, old.mutex_);
  predecessor_slot_ = old.last_slot_;
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
