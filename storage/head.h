// The open data of all groups in memory. One thread appends (the commit thread, or recovery before
// it), any thread reads, the background worker cuts and frees.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "storage/appendable.h"
#include "storage/codec/head_stream.h"
#include "storage/codec/log_row.h"
#include "storage/group.h"
#include "storage/paged_table.h"

namespace tocsin::storage {

class Head {
 public:
  Head() = default;

  // Made when new. Any thread. The reference stays valid as long as the head.
  Group& GroupFor(uint64_t number);
  // Null when it never had a series. No lock.
  Group* Find(uint64_t number) const { return table_.Get(number); }
  std::vector<Group*> Groups() const;
  // Nobody appends to them any more. They stay valid for SeriesIndex::kGrace.
  // REQUIRES: no batch is being committed; nothing of them is open or cut.
  void Remove(std::span<Group* const> groups, MonotonicTime now);
  void FreeRemoved(MonotonicTime now, std::chrono::nanoseconds grace);

  // The appending thread holds one while it appends; it is not to be held while waiting.
  std::unique_lock<std::mutex> LockPool() const { return std::unique_lock(pool_mutex_); }

  // Appends values[i] at t to slots[i] of the group; `starts` as many, or empty.
  // REQUIRES: the pool is locked.
  void Append(Group& group, std::span<const uint8_t> slots, Timestamp t,
              std::span<const double> values, std::span<const Timestamp> starts, uint64_t log_seq,
              MonotonicTime now, RowResult* result);

  // The same for samples of any series. REQUIRES: every series has a group.
  void AppendSparse(std::span<const SparseSample> samples, uint64_t log_seq, MonotonicTime now,
                    RowResult* result);

  void AppendHistogram(SeriesRef series, TimedHistogram sample, uint64_t log_seq, MonotonicTime now,
                       RowResult* result);

  // Frees what passes up to `seal_seq` have cut.
  void Free(uint64_t seal_seq);

  // Every row up to here is in the head as a whole.
  void SetApplied(uint64_t log_seq) { applied_.store(log_seq, std::memory_order_release); }
  uint64_t applied() const { return applied_.load(std::memory_order_acquire); }

  // The newest time ever appended (or found in files); kMinTimestamp when there is none.
  Timestamp max_time() const { return {max_time_.load(std::memory_order_relaxed)}; }
  void RaiseMaxTime(Timestamp t);
  struct OpenData {
    Timestamp min_time = kMaxTimestamp;  // kMaxTimestamp: nothing is open
    uint64_t streams = 0;
  };
  // Linear in the groups.
  OpenData Survey() const;
  uint64_t samples_appended() const { return appended_.load(std::memory_order_relaxed); }
  // What the open streams take: buffers and records. Linear in the groups.
  uint64_t stream_bytes() const;
  // The buffers alone: without looking at the groups.
  uint64_t buffer_bytes() const;
  // What late samples take. Linear in the groups.
  uint64_t late_bytes() const;
  uint64_t late_samples() const { return late_.load(std::memory_order_relaxed); }

 private:
  static void Count(Group::Outcome outcome, RowResult* result);

  PagedTable<Group> table_;
  mutable std::mutex groups_mutex_;
  std::vector<std::unique_ptr<Group>> groups_;
  struct Removed {
    MonotonicTime at;
    std::unique_ptr<Group> group;
  };
  std::vector<Removed> graveyard_;

  mutable std::mutex pool_mutex_;  // taken before a group's
  SlabPool pool_;

  std::atomic<uint64_t> applied_{0};
  std::atomic<int64_t> max_time_{kMinTimestamp.ms};
  std::atomic<uint64_t> appended_{0};
  std::atomic<uint64_t> late_{0};

 public:
  // For Group methods that need it. REQUIRES: LockPool is held.
  SlabPool& pool() { return pool_; }
};

}  // namespace tocsin::storage
