// The log of acknowledged samples, as it is written: rows under ascending numbers in epochs, one
// RocksDB family each. Reading it back is recovery.h's.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/log_row.h"
#include "storage/rocks_store.h"
#include "storage/row_layout.h"

namespace tocsin::storage {

// After a start, and between epochs, numbers skip this many: a number that was lost with the power
// is never given to another row.
inline constexpr uint64_t kLogSeqGap = uint64_t{1} << 20;

// Whoever commits (one at a time), but for what says otherwise.
class Log {
 public:
  explicit Log(RocksStore& store) : store_(store) {}

  // Makes the first epoch. Before any row.
  Status Start(uint64_t first_log_seq);

  // Each returns the number of the last row put. `starts`: one a sample, or empty.
  uint64_t PutTimeline(RocksBatch& batch, const std::shared_ptr<const RowLayout>& layout,
                       Timestamp t, std::span<const double> values,
                       std::span<const Timestamp> starts);
  // Splits long lists. REQUIRES: not empty.
  uint64_t PutSparse(RocksBatch& batch, std::span<const SparseSample> samples);
  uint64_t PutHistogram(RocksBatch& batch, SeriesRef series, Timestamp t,
                        const Histogram& histogram, Timestamp start);
  uint64_t PutTombstone(RocksBatch& batch, const TombstoneRow& tombstone);
  // The batch was not written: rows after it must not lean on those that were in it.
  void Failed() { ++generation_; }

  // Any thread: makes the family of the next epoch ahead of need; rows go there from the next
  // batch on (BeginBatch).
  Status PrepareEpoch();
  bool prepared() const { return prepared_.load(std::memory_order_acquire) != 0; }
  void BeginBatch();

  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  uint64_t next_seq() const { return next_seq_.load(std::memory_order_relaxed); }
  // Of rows since the epoch began.
  uint64_t epoch_bytes() const { return epoch_bytes_.load(std::memory_order_relaxed); }

 private:
  uint64_t Put(RocksBatch& batch);
  bool GatherStarts(std::span<const SparseSample> samples);

  RocksStore& store_;
  std::string row_;
  std::vector<Timestamp> starts_;
  uint64_t generation_ = 1;
  std::atomic<uint64_t> next_seq_{1};
  std::atomic<uint64_t> epoch_{0};
  std::atomic<uint64_t> epoch_bytes_{0};
  std::atomic<uint64_t> prepared_{0};
};

}  // namespace tocsin::storage
