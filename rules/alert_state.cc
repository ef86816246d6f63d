#include "rules/alert_state.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin::rules {

Status AlertStates::Update(Timestamp ts, std::vector<AlertElement> elements, Duration hold,
                           Duration keep_firing_for, int64_t limit) {
  absl::flat_hash_set<Labels, LabelsHash> present;
  present.reserve(elements.size());
  for (const AlertElement& element : elements) {
    if (!present.insert(element.labels).second) {
      return Error(ErrorCode::kExecution,
                   "vector contains metrics with the same labelset after applying alert labels");
    }
  }
  for (AlertElement& element : elements) {
    AlertEntry& entry = entries_[element.labels];
    // A resolved one that comes back is a new alert.
    if (!entry.active() || entry.labels.empty()) {
      entry = AlertEntry{};
      entry.labels = std::move(element.labels);
      entry.active_at = ts;
      changed_ = true;
    }
    changed_ |= entry.keep_firing_since.has_value();
    entry.annotations = std::move(element.annotations);
    entry.value = element.value;
    entry.keep_firing_since.reset();
    entry.held_until.reset();
  }
  int64_t active = 0;
  for (auto it = entries_.begin(); it != entries_.end();) {
    AlertEntry& entry = it->second;
    const bool here = present.contains(it->first);
    if (!here && !UpdateAbsent(entry, ts, keep_firing_for)) {
      entries_.erase(it++);
      changed_ = true;
      continue;
    }
    // A pending one that is held after a restart does not begin to fire unseen.
    if (here && entry.state == AlertState::kPending && ts - entry.active_at >= hold) {
      entry.state = AlertState::kFiring;
      entry.fired_at = ts;
      changed_ = true;
    } else if (entry.state == AlertState::kFiring && ts - entry.active_at < hold) {
      entry.state = AlertState::kPending;  // `for` was raised
      entry.fired_at.reset();
      changed_ = true;
    }
    active += entry.active();
    ++it;
  }
  if (limit > 0 && active > limit) {
    entries_.clear();
    changed_ = true;
    return Error(ErrorCode::kLimit,
                 fmt::format("exceeded limit of {} with {} alerts", limit, active));
  }
  return OkStatus();
}

bool AlertStates::UpdateAbsent(AlertEntry& entry, Timestamp ts, Duration keep_firing_for) {
  if (entry.held_until && ts < *entry.held_until) return true;
  switch (entry.state) {
    case AlertState::kPending:
      return false;
    case AlertState::kFiring:
      if (keep_firing_for.count() > 0) {
        if (!entry.keep_firing_since) {
          entry.keep_firing_since = ts;
          changed_ = true;
        }
        if (ts - *entry.keep_firing_since < keep_firing_for) return true;
      }
      entry.state = AlertState::kInactive;
      entry.resolved_at = ts;
      changed_ = true;
      return true;
    case AlertState::kInactive:
      return ts - *entry.resolved_at <= kResolvedRetention;
  }
  return false;
}

std::vector<AlertEntry> AlertStates::TakeDue(Timestamp ts, Duration resend_delay) {
  std::vector<AlertEntry> due;
  for (auto& [labels, entry] : entries_) {
    if (entry.state == AlertState::kPending) continue;
    const bool ended_since =
        entry.resolved_at && (!entry.last_sent || *entry.resolved_at > *entry.last_sent);
    if (!ended_since && entry.last_sent && *entry.last_sent + resend_delay >= ts) continue;
    entry.last_sent = ts;
    due.push_back(entry);
  }
  std::sort(due.begin(), due.end(),
            [](const AlertEntry& a, const AlertEntry& b) { return a.labels < b.labels; });
  return due;
}

AlertState AlertStates::highest() const {
  AlertState highest = AlertState::kInactive;
  for (const auto& [labels, entry] : entries_) highest = std::max(highest, entry.state);
  return highest;
}

void AlertStates::Shift(Duration by) {
  const auto shift = [by](std::optional<Timestamp>& t) {
    if (t) t = *t + by;
  };
  changed_ = true;
  for (auto& [labels, entry] : entries_) {
    entry.active_at = entry.active_at + by;
    shift(entry.resolved_at);
    shift(entry.keep_firing_since);
    shift(entry.last_sent);
    shift(entry.held_until);
  }
}

void AlertStates::Restore(std::vector<AlertEntry> entries) {
  changed_ = true;
  for (AlertEntry& entry : entries) {
    Labels labels = entry.labels;
    entries_.insert_or_assign(std::move(labels), std::move(entry));
  }
}

}  // namespace tocsin::rules
