// The alerts of one alerting rule and how they move: pending, firing, kept firing, resolved.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rules/manager.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/model/labels.h"

namespace tocsin::rules {

// How long a resolved alert is kept, so that its end reaches whoever missed it.
inline constexpr Duration kResolvedRetention{15 * 60'000};

// One alert: what is remembered of a label set.
struct AlertEntry {
  Labels labels;
  Labels annotations;
  AlertState state = AlertState::kPending;  // kInactive: resolved
  double value = 0;
  Timestamp active_at;
  std::optional<Timestamp> fired_at;
  std::optional<Timestamp> resolved_at;
  std::optional<Timestamp> keep_firing_since;
  std::optional<Timestamp> last_sent;

  // Set at a restart: until then nothing is concluded from the absence of the series, whose
  // targets may not have been scraped again yet.
  std::optional<Timestamp> held_until;

  bool active() const { return state != AlertState::kInactive; }
  // Whether what a restart needs is equal; not so what every evaluation brings anew.
  bool SamePhase(const AlertEntry& other) const {
    return state == other.state && active_at == other.active_at && fired_at == other.fired_at &&
           resolved_at == other.resolved_at && keep_firing_since == other.keep_firing_since;
  }
};

// An element of the rule's result, labels and annotations expanded.
struct AlertElement {
  Labels labels;
  Labels annotations;
  double value = 0;
};

// One thread at a time.
class AlertStates {
 public:
  using Map = absl::flat_hash_map<Labels, AlertEntry, LabelsHash>;

  // One evaluation at `ts`. kExecution, and nothing changed: two elements with equal labels.
  // kLimit: more than `limit` (0: none) active ones; all alerts are dropped.
  Status Update(Timestamp ts, std::vector<AlertElement> elements, Duration hold,
                Duration keep_firing_for, int64_t limit);

  // Alerts to send now: firing and resolved ones that were never sent, changed, or are due again.
  // Marks them as sent at `ts`.
  std::vector<AlertEntry> TakeDue(Timestamp ts, Duration resend_delay);

  const Map& entries() const { return entries_; }
  // Whether the phase of any alert (SamePhase) has changed since the last call, or one came or
  // went.
  bool TakeChanged() { return std::exchange(changed_, false); }
  AlertState highest() const;
  // The clock was set: what was `by` from now stays so. Only fired_at, by which receivers know an
  // alert, remains.
  void Shift(Duration by);
  // What was known before a restart or a reload.
  void Restore(std::vector<AlertEntry> entries);

 private:
  // False: forget the entry.
  bool UpdateAbsent(AlertEntry& entry, Timestamp ts, Duration keep_firing_for);

  Map entries_;
  bool changed_ = false;
};

}  // namespace tocsin::rules
