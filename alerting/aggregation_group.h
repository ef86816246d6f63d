// The alerts of one route that share the group labels, with one timer. Not thread-safe: the
// dispatcher guards it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "alerting/alert_store.h"
#include "alerting/notify/notifier.h"
#include "alerting/route.h"
#include "storage/base/scheduler.h"

namespace tocsin::alerting {

struct AggregationGroup {
  uint64_t serial = 0;  // never used twice: tells a rebuilt group from the one before
  const Route* route = nullptr;
  Labels labels;
  std::string id;                                  // GroupId
  std::string key;                                 // GroupKey: what receivers see
  absl::flat_hash_map<uint64_t, AlertPtr> alerts;  // by fingerprint
  std::vector<std::string> muted_by;               // as of the last flush

  Timer timer;
  Timestamp next_flush;
  bool tick_waiting = false;  // a tick came while a flush was under way
  bool restored = false;      // from before the last start, no tick since

  // All alerts as of `now`, in the order of sending: by job, then instance, then all labels.
  std::vector<NotifiedAlert> Snapshot(Timestamp now) const;

  // Removes the resolved alerts of a flush that went well, unless they were updated meanwhile.
  // `sent`: the pointers at the time of the flush. Returns the fingerprints that left.
  std::vector<uint64_t> Leave(const std::vector<AlertPtr>& sent);
};

// Orders label sets as Alertmanager does: fewer labels first, then by name and value.
bool LabelSetBefore(const Labels& a, const Labels& b);

}  // namespace tocsin::alerting
