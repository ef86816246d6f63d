// What one sealed file holds of one group: fetched, checked, taken apart. Fetching and checking
// cost more than decoding a few of its series, so readers share what was opened (group_cache.h).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/day_part.h"
#include "storage/codec/segment.h"
#include "storage/directory.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// Constant once loaded, but for the columns of a day file: eight slots' at a time, as they are
// asked for. Any thread.
class OpenedGroup {
 public:
  // An error is one of the read as a whole. Damage of a part is kept and told by Prepare.
  static Result<std::shared_ptr<OpenedGroup>> Load(const RocksStore& store, const SealedFile& file,
                                                   uint64_t group);

  // Makes what there is of the slot readable. kCorruption: part of it is damaged; the rest can be
  // read all the same.
  Status Prepare(const RocksStore& store, unsigned slot);

  // Calls f(const OpenedSegment&) for each that is readable, in the order of the file.
  // REQUIRES: Prepare was called for the slots that f reads.
  template <typename F>
  void ForEachSegment(unsigned slot, F&& f) const {
    for (const auto& part : parts_)
      if (part->status.ok() && part->segment.Has(slot)) f(part->segment);
    if (day_ == nullptr || !day_->opened[slot / kDaySlots].load(std::memory_order_acquire)) return;
    for (size_t i = 0; i < day_->reader.segments(); ++i)
      if (day_->reader.segment(i).Has(slot)) f(day_->reader.segment(i));
  }

  size_t segments() const { return day_ == nullptr ? parts_.size() : day_->reader.segments() + 1; }
  // Nothing that was loaded is damaged.
  bool sound() const { return damage_.ok(); }
  // Grows with the columns of a day file.
  uint64_t memory_bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Part {
    std::string blob;
    OpenedSegment segment;
    Status status;
  };
  // Of a day file: its index, and the columns of eight slots each.
  struct Day {
    std::string index;
    DayPartReader reader;
    std::mutex mutex;
    std::array<std::string, kDayParts> columns;  // guarded by the mutex until opened
    std::array<Status, kDayParts> damage;        // guarded by the mutex
    std::array<std::atomic<bool>, kDayParts> opened{};
  };

  OpenedGroup(const keys::FileId& file, uint64_t group) : file_(file), group_(group) {}
  Status LoadParts(const RocksStore& store);
  Status LoadIndex(const RocksStore& store);
  Status OpenColumns(const RocksStore& store, unsigned k);

  const keys::FileId file_;
  const uint64_t group_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::unique_ptr<Day> day_;  // then there are no parts
  Status damage_;             // the first that was met while loading
  std::atomic<uint64_t> bytes_{sizeof(*this)};
};

}  // namespace tocsin::storage
