// What a group takes over: from the group before it, from before a restart, from a clock that was
// set; and what it leaves behind when it ends.
#include <algorithm>
#include <utility>

#include "rules/group_parts.h"
#include "storage/base/log.h"
#include "storage/model/matcher.h"

namespace tocsin::rules {

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
    rule.told_error = old_rule->told_error;
    rule.failed = old_rule->failed;
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

}  // namespace tocsin::rules
