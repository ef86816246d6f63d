// Alert state across restarts. Each alert of each rule is a record in the namespace `alert_state`
// of the KvStore, written when its phase changes and before it is sent; each group with alerts
// keeps the time of its latest evaluation there, so that a restart knows how long it was down.
//
// Keys: hash of file and group (8 bytes, big-endian): the time; followed by the hash of the rule
// (its name, labels and place among its like) and the hash of the alert's labels (8 bytes each): an
// alert. Values begin with a version byte.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/alert_state.h"
#include "rules/rule_file.h"
#include "storage/base/result.h"
#include "storage/kv_store.h"

namespace tocsin::rules {

uint64_t GroupKey(std::string_view file, std::string_view name);
// One key per rule of the group, in order.
std::vector<uint64_t> RuleKeys(const GroupConfig& group);

// What a restart finds of one group.
struct StoredGroup {
  Timestamp last_evaluation;
  std::map<uint64_t, std::vector<AlertEntry>> rules;  // by rule key
};

// All that is stored, by group key. Records that cannot be read are left out.
Result<std::map<uint64_t, StoredGroup>> LoadAlertState(const storage::KvStore& kv);

// Removes everything of groups and rules that `wanted` does not name.
Status ForgetAlertState(storage::KvStore& kv,
                        const std::map<uint64_t, std::vector<uint64_t>>& wanted);

// What was stored at `last_evaluation`, as of the first evaluation after the restart: time down
// counts neither towards `for` nor towards `keep_firing_for`. After a longer break nothing is
// concluded from the absence of a series for two intervals.
std::vector<AlertEntry> AfterDowntime(std::vector<AlertEntry> entries, Timestamp last_evaluation,
                                      Timestamp first_evaluation, Duration interval);

// Stores the alerts of one rule. One thread at a time.
class AlertStateWriter {
 public:
  AlertStateWriter(storage::KvStore& kv, uint64_t group_key, uint64_t rule_key)
      : kv_(kv), group_key_(group_key), rule_key_(rule_key) {}

  // Writes what differs from the last call, and `evaluated` as the group's latest evaluation.
  Status Save(const std::vector<AlertEntry>& entries, Timestamp evaluated);
  // What is stored already: a restart or a reload took it over.
  void Assume(const std::vector<AlertEntry>& entries);

  bool has_alerts() const { return !saved_.empty(); }

 private:
  storage::KvStore& kv_;
  const uint64_t group_key_;
  const uint64_t rule_key_;
  absl::flat_hash_map<Labels, AlertEntry, LabelsHash> saved_;  // without the texts
};

// The group's latest evaluation alone.
Status SaveEvaluationTime(storage::KvStore& kv, uint64_t group_key, Timestamp evaluated);

}  // namespace tocsin::rules
