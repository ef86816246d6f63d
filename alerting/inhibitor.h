// Inhibition: some alerts mute others while they fire. Sources are all alerts known, notified,
// silenced, inhibited or not. Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "alerting/alert_store.h"
#include "alerting/config_types.h"

namespace tocsin::alerting {

class Inhibitor {
 public:
  explicit Inhibitor(const std::vector<InhibitRuleConfig>& rules);

  // An alert is new or has changed.
  void Update(const AlertPtr& alert);

  // The fingerprint of a firing source that inhibits an alert of these labels.
  std::optional<uint64_t> InhibitedBy(const Labels& target, Timestamp now) const;

  // Forgets sources that have ended.
  void CollectGarbage(Timestamp now);

 private:
  struct Rule {
    InhibitRuleConfig config;
    // Sources by the values of the `equal` labels; ordered, so that the answer is stable.
    absl::flat_hash_map<std::string, std::map<uint64_t, AlertPtr>> sources;
  };

  mutable std::shared_mutex mutex_;
  std::vector<Rule> rules_;
};

}  // namespace tocsin::alerting
