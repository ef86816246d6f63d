// Gathers what a tail reads into a batch: each series once, with its labels; samples that were read
// before or that the store has refused are left out.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "storage/key_schema.h"
#include "storage/series_index.h"
#include "storage/tail.h"

namespace tocsin::storage {

// One thread. Remembers the time of the last sample of every series it met.
class TailCollector {
 public:
  explicit TailCollector(const SeriesIndex& index) : index_(index) {}

  // What follows goes into the batch. REQUIRES: it lives until the next Begin.
  void Begin(const TailLimits& limits, TailBatch* batch);
  bool full() const { return batch_->samples >= limits_.samples; }
  TailBatch& batch() { return *batch_; }

  void Take(SeriesRef series, Timestamp t, double value);
  void Take(SeriesRef series, Timestamp t, std::shared_ptr<const Histogram> value);
  // Read before: only remembered.
  void Pass(SeriesRef series, Timestamp t);

  // Forgets series that have had no sample since the call before the last.
  void Age();
  // The newest sample ever taken.
  Timestamp newest() const { return newest_; }

 private:
  struct LastOfGroup {
    LastOfGroup() { times.fill(kMinTimestamp); }
    uint64_t age = 0;
    std::array<Timestamp, kGroupSlots> times;
  };

  Timestamp& LastOf(SeriesRef series);
  // Where the sample goes; remembers it. Null: nowhere.
  TailSeries* Place(SeriesRef series, Timestamp t);

  const SeriesIndex& index_;
  TailLimits limits_;
  TailBatch* batch_ = nullptr;
  // (series id, late) -> index.
  absl::flat_hash_map<std::pair<uint64_t, bool>, size_t> in_batch_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<LastOfGroup>> last_;
  uint64_t group_ = 0;  // of group_last_
  LastOfGroup* group_last_ = nullptr;
  uint64_t age_ = 0;
  Timestamp newest_ = kMinTimestamp;
};

}  // namespace tocsin::storage
