// Series that have left memory: their samples are all sealed and nothing was added for hours. Their
// labels stay in family `series`; per day, family `post` says which of them have which label. They
// leave and are forgotten by whole groups, and a group never comes back: a label set that is added
// to again gets a new id.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/file_header.h"
#include "storage/model/matcher.h"
#include "storage/postings.h"
#include "storage/rocks_store.h"
#include "storage/symbols.h"

namespace tocsin::storage {

// A series as family `series` has it.
struct StoredSeries {
  uint64_t id = 0;
  uint8_t retention_class = 0;
  std::vector<SymbolPair> pairs;  // in the order of the label names
};

// Thread-safe; one writer (the background worker) at a time.
class ColdSeries {
 public:
  // REQUIRES: both outlive this.
  ColdSeries(const RocksStore& store, const SymbolTable& symbols)
      : store_(store), symbols_(symbols) {}

  // Which groups are cold. A bitmap that is unreadable is counted; its series are hot again.
  Status Load(uint64_t* damaged);

  bool empty() const;
  bool Contains(uint64_t group) const;
  IdRanges groups() const;

  // Adds series to the bitmaps of days, all series of their groups together: `days` of each.
  // Afterwards, once the batch is written, Added.
  struct Leaving {
    StoredSeries series;
    std::span<const uint16_t> days;  // ascending, not empty
  };
  Status Put(RocksBatch& batch, std::span<const Leaving> leaving) const;
  void Added(std::span<const uint64_t> groups, std::span<const uint16_t> days);

  // The ids that match all, of series that may have samples on one of the days in [first, last];
  // ascending.
  Result<std::vector<uint64_t>> Select(std::span<const Matcher> matchers, uint16_t first,
                                       uint16_t last) const;
  // Label names, and values of one, of series that may have samples on one of the days.
  Result<std::vector<Symbol>> Names(uint16_t first, uint16_t last) const;
  Result<std::vector<Symbol>> Values(Symbol name, uint16_t first, uint16_t last) const;
  // The series of a group; empty when there is none.
  Result<std::vector<StoredSeries>> Read(uint64_t group) const;
  // Of one of them; nullopt when it is not known.
  std::optional<StoredSeries> Find(uint64_t id) const;

  // What has no files any more: bitmaps of these days, runs of these groups.
  void PutForget(RocksBatch& batch, std::span<const uint16_t> days,
                 std::span<const uint64_t> groups) const;
  void Forgotten(std::span<const uint16_t> days, std::span<const uint64_t> groups);
  std::vector<uint16_t> days() const;

 private:
  using Ids = std::vector<uint64_t>;
  std::vector<uint16_t> DaysIn(uint16_t first, uint16_t last) const;
  Result<Ids> Bitmap(uint16_t day, Symbol name, Symbol value) const;
  // The union of the bitmaps of the values that match (or that do not, when `invert`).
  Result<Ids> Union(uint16_t day, const Matcher& matcher, bool invert) const;
  Result<Ids> SelectDay(std::span<const Matcher> matchers, uint16_t day) const;

  const RocksStore& store_;
  const SymbolTable& symbols_;
  mutable std::shared_mutex mutex_;
  IdRanges groups_;          // guarded by mutex_
  std::set<uint16_t> days_;  // guarded by mutex_
};

}  // namespace tocsin::storage
