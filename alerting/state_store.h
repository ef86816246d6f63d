// What of alerts and groups survives a restart: members of groups with their state, and when each
// group flushes next. Not thread-safe: the dispatcher orders the calls.
//
// In the store: namespace "alerts", key = fingerprint (8 bytes, big-endian), value as
// EncodeAlert; namespace "alert_groups", key = GroupId, value = version byte 1, next flush
// (zigzag ms).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alerting/alert_store.h"
#include "storage/kv_store.h"

namespace tocsin::alerting {

// Changes of one step, written together.
struct StateChanges {
  std::vector<storage::KvWrite> alerts;
  std::vector<storage::KvWrite> groups;

  // Saves the alert when its state differs from what is on disk: it is new, was resolved, fires
  // again, or began at another time. A later end alone is not saved, as senders repeat it.
  void Note(AlertStore::Entry& entry, Timestamp now);
  void Forget(uint64_t fingerprint);
  void NoteGroup(const std::string& id, Timestamp next_flush);
  void ForgetGroup(const std::string& id);
};

struct SavedState {
  std::vector<std::pair<Alert, bool>> alerts;  // and whether each was resolved
  std::map<std::string, Timestamp> groups;     // next flush by GroupId
};

Result<SavedState> LoadState(const storage::KvStore& store);
Status WriteState(storage::KvStore& store, StateChanges changes);

}  // namespace tocsin::alerting
