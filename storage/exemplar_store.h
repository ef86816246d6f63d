// The newest exemplars: at most so many, all in memory for queries and each under a key of its own
// on the disk. A new one takes the place, and the key, of the oldest.
//
// Family default, key `x` place u32. Value: u8 version (1), v number, v series id, z t, f64 value,
// v n, n times { name str, value str }. Numbers ascend in the order of arrival; place = number
// modulo the most that are kept.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/exemplar.h"
#include "storage/model/sample.h"
#include "storage/rocks_store.h"
#include "storage/series_index.h"

namespace tocsin::storage {

// Thread-safe.
class ExemplarStore {
 public:
  explicit ExemplarStore(size_t max) : max_(max) {}

  // At the start. Exemplars of series that are gone are left out.
  Status Load(RocksStore& store, const SeriesIndex& index, uint64_t* damaged);

  // OK: Add will take it, or has it already. kOutOfBounds: older than the newest of its series.
  // kInvalidLabels: more than 128 characters of labels.
  Status Check(SeriesRef series, const Exemplar& exemplar) const;
  // Puts it into the batch and keeps it, unless Check refuses it or it is there already. It answers
  // queries before the batch is written; when that fails it is gone after a restart.
  void Add(RocksBatch& batch, SeriesRef series, const Exemplar& exemplar);

  // Of one series within [from, to], ascending.
  void Read(SeriesRef series, Timestamp from, Timestamp to, std::vector<Exemplar>* out) const;

  // Keeps at most `max` from now on; the newest stay. 0: none are taken.
  // REQUIRES: no Add runs.
  Status SetMax(RocksStore& store, size_t max);

  struct Counts {
    uint64_t exemplars = 0, series = 0, appended = 0;
    Timestamp oldest = kMaxTimestamp;  // of what is kept, by arrival
  };
  Counts counts() const;
  size_t max() const;

  // The value of one; for the tests of the format.
  static std::string Encode(uint64_t number, SeriesRef series, const Exemplar& exemplar);

 private:
  struct Entry {
    uint64_t number = 0;  // 0: empty
    SeriesRef series;
    Exemplar exemplar;
    uint64_t previous = 0, next = 0;  // numbers, of the same series
  };
  struct Ends {
    uint64_t oldest = 0, newest = 0;
  };

  static Result<Entry> Decode(std::string_view value);
  size_t PlaceOf(uint64_t number) const { return number % max_; }
  const Entry& At(uint64_t number) const { return entries_[PlaceOf(number)]; }
  Entry& At(uint64_t number) { return entries_[PlaceOf(number)]; }
  bool Knows(SeriesRef series, const Exemplar& exemplar) const;
  Status CheckLocked(SeriesRef series, const Exemplar& exemplar) const;
  // Takes the place of whatever is there.
  void Place(uint64_t number, SeriesRef series, Exemplar exemplar);
  // All that are kept, in the order of arrival; the store is empty afterwards.
  std::vector<Entry> TakeAll();

  mutable std::mutex mutex_;
  size_t max_;
  uint64_t next_ = 1;
  uint64_t appended_ = 0;
  std::vector<Entry> entries_;  // grows up to max_
  absl::flat_hash_map<uint64_t, Ends> of_series_;
};

}  // namespace tocsin::storage
