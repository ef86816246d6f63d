// One evaluation of a group: rules in order or side by side, their commits, what they send.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/group_parts.h"
#include "storage/base/log.h"

namespace tocsin::rules {

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
  const EvaluationContext context{
      env_.ports.engine,      ts,
      *config_.query_offset,  config_.limit,
      *external_labels,       env_.options.external_url,
      env_.metrics.templates, {.rule_file = config_.file, .rule_group = config_.name}};
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
    if (!std::exchange(rule.failed, false)) rule.told_error.clear();
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
    again = rule.told_error == error;
    rule.told_error = error;
    rule.failed = true;
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

}  // namespace tocsin::rules
