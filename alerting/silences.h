// All silences: pending, active and, until their retention ends, expired ones. Durable when a
// change returns. Thread-safe.
//
// In the store: namespace "silences", key = id, value = version byte 1, times, texts, matchers.
#pragma once

#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "alerting/silence.h"
#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "storage/base/result.h"
#include "storage/kv_store.h"
#include "storage/model/labels.h"

namespace tocsin::alerting {

SilenceState StateOfSilence(const Silence& silence, Timestamp now);

// What silences may take; 0: no limit.
struct SilenceLimits {
  uint64_t max_silences = 0;       // expired ones count until they are dropped
  uint64_t max_silence_bytes = 0;  // of one, as stored
};

class SilenceStore {
 public:
  // REQUIRES: all outlive it.
  SilenceStore(storage::KvStore& store, const Clock& clock, Random& random,
               SilenceLimits limits = {})
      : store_(store), clock_(clock), random_(random), limits_(limits) {}

  // Reads what is in the store. Call once.
  Status Load();

  // Creates, or with an id updates (which may expire the old one and make a new one); the id.
  // kNotFound: unknown id; kInvalidArgument; kLimit.
  Result<std::string> Set(Silence silence);
  // Ends it now; one that has expired stays as it is. kNotFound.
  Status Expire(const std::string& id);

  std::optional<Silence> Get(const std::string& id) const;
  std::vector<Silence> All() const;

  // Ids of the active silences that hold for these labels, sorted.
  std::vector<std::string> SilencedBy(const Labels& labels, Timestamp now) const;

  // Drops those that expired longer than `retention` ago.
  Status CollectGarbage(Duration retention);

 private:
  Status CheckSize(const Silence& silence) const;
  Status Save(const std::vector<Silence>& changed);
  std::string NewId();

  storage::KvStore& store_;
  const Clock& clock_;
  Random& random_;
  const SilenceLimits limits_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Silence> silences_;  // by id
};

}  // namespace tocsin::alerting
