// Row hints by the shape of a row: a sender repeats itself, request after request, and the store
// writes a row it knows at a fraction of the cost.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>

#include "absl/container/flat_hash_map.h"
#include "storage/appendable.h"

namespace tocsin::ingest {

// Thread-safe. Bounded: shapes not seen for a while are forgotten.
class RowHints {
 public:
  // Names a sequence of refs.
  static uint64_t Shape(std::span<const SeriesRef> refs);

  storage::RowHint Get(uint64_t shape);
  void Put(uint64_t shape, storage::RowHint hint);

 private:
  static constexpr size_t kGeneration = 4096;

  std::mutex mutex_;
  // The older half goes when the newer one is full.
  absl::flat_hash_map<uint64_t, storage::RowHint> newer_, older_;
};

}  // namespace tocsin::ingest
