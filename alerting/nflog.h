// The notification log: what was last told to each integration about each group, so that a
// restart neither repeats nor forgets. Durable when Log returns. Thread-safe.
//
// In the store: namespace "nflog", key = group key, receiver, kind, position (varint length before
// each), value = version byte 1, times, sorted hashes, receiver data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/kv_store.h"

namespace tocsin::alerting {

// One integration of one receiver, for one group.
struct NflogKey {
  std::string group_key;
  std::string receiver;
  std::string integration;  // "webhook"
  uint32_t index = 0;       // among the receiver's integrations of that kind

  std::string Encode() const;
};

struct NflogEntry {
  Timestamp time;  // after the last message was sent
  Timestamp expires_at;
  std::vector<uint64_t> firing;    // sorted hashes of alerts
  std::vector<uint64_t> resolved;  // sorted
  std::map<std::string, std::string> receiver_data;
};

class NotificationLog {
 public:
  // REQUIRES: `store` outlives it.
  explicit NotificationLog(storage::KvStore& store) : store_(store) {}

  // Reads what is in the store. Call once.
  Status Load(Timestamp now);

  std::optional<NflogEntry> Query(const NflogKey& key) const;
  Status Log(const NflogKey& key, NflogEntry entry);

  // The store is not used any more when it returns; later calls of Log change nothing.
  void Close();

  // Drops expired entries.
  Status CollectGarbage(Timestamp now);
  size_t size() const;

 private:
  storage::KvStore& store_;
  std::shared_mutex closing_;  // shared while the store is written; taken before mutex_
  bool closed_ = false;
  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<std::string, NflogEntry> entries_;  // by encoded key
};

}  // namespace tocsin::alerting
