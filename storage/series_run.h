// The values of the families `series` and `sym`: labels of up to 64 neighbouring new series, and
// runs of new symbols.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/owners.h"
#include "storage/postings.h"
#include "storage/rocks_store.h"
#include "storage/symbols.h"

namespace tocsin::storage {

struct SeriesRun {
  struct Entry {
    uint64_t id = 0;
    std::vector<SymbolPair> pairs;  // in the order of the label names
  };
  uint8_t retention_class = 0;
  OwnerKind kind = OwnerKind::kShared;
  Timestamp created;
  std::vector<Entry> series;
};

// Gathers neighbours into runs. One thread.
//
// Value: u8 version (1), u8 class, u8 owner kind, z created ms, v n,
//        v ncommon, ncommon times { v name, v value },
//        n times { v npairs, npairs times { v position of the pair, v name, v value } }, u32 xxh
// The position of an own pair is its place among all pairs of its series; common pairs fill the
// other places in order.
class SeriesRunEncoder {
 public:
  // Whether the series can follow the last one added.
  bool Joins(uint64_t id, OwnerKind kind) const;
  void Add(uint64_t id, OwnerKind kind, Timestamp created, std::span<const SymbolPair> pairs,
           uint8_t retention_class = 0);
  // Puts the run, if there is one, and starts anew.
  void Flush(RocksBatch& batch);

  // The value of the run so far; for the tests of the format.
  std::string Encode() const;

 private:
  SeriesRun run_;
};

// kCorruption.
Result<SeriesRun> DecodeSeriesRun(std::string_view key, std::string_view value);

// Value: v n, n times str; the symbols from the key's number on.
Status LoadSymbols(std::string_view key, std::string_view value, SymbolTable& symbols);

}  // namespace tocsin::storage
