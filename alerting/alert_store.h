// Every alert known, by fingerprint, merged from what its senders say. Not thread-safe: the owner
// guards it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "alerting/alert.h"
#include "storage/base/result.h"

namespace tocsin::alerting {

// The default times of an alert as a sender gave it: a start of 0 means "not given", as does an
// end of 0 (then it ends `resolve_timeout` from now unless it is sent again).
void FillInTimes(Alert& alert, Timestamp now, Duration resolve_timeout);

// kInvalidArgument: no label, a bad name or value, an end before the start.
Status ValidateAlert(const Alert& alert);

// What is known after `newer` arrived about the alert `older`; both of the same labels.
Alert MergeAlerts(const Alert& older, const Alert& newer, Timestamp now);

class AlertStore {
 public:
  struct Entry {
    AlertPtr alert;
    bool restored = false;        // from before the last start, not sent again since: not shown
    int groups = 0;               // that hold it
    bool saved = false;           // what matters of it is on disk ...
    bool saved_resolved = false;  // ... in this state
    Timestamp saved_start;
  };

  // `max_per_name`: how many alerts of one alertname it holds; 0: any number.
  explicit AlertStore(uint64_t max_per_name = 0) : max_per_name_(max_per_name) {}

  // False when it is a new one of a name that has as many as it may.
  bool HasRoom(const Alert& alert) const;

  // Merges and stores.
  Entry& Put(Alert alert, Timestamp now);
  // Null when unknown.
  Entry* Find(uint64_t fingerprint);
  const Entry* Find(uint64_t fingerprint) const;
  // Takes back an alert saved before the last start.
  Entry& Restore(Alert alert, bool resolved);

  // Drops resolved alerts that no group holds; returns their fingerprints.
  std::vector<uint64_t> CollectGarbage(Timestamp now);

  const absl::flat_hash_map<uint64_t, Entry>& entries() const { return entries_; }

 private:
  void CountNew(const Alert& alert);

  const uint64_t max_per_name_;
  absl::flat_hash_map<uint64_t, Entry> entries_;
  absl::flat_hash_map<std::string, uint64_t> count_by_name_;  // kept when there is a limit
};

// Saved form of an alert. `resolved`: its state when saved.
std::string EncodeAlert(const Alert& alert, bool resolved);
Result<std::pair<Alert, bool>> DecodeAlert(std::string_view bytes);

}  // namespace tocsin::alerting
