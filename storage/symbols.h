// Distinct label names and values, each stored once under a number that is never reused. Number 0
// names none. On disk: family `sym`.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "storage/paged_table.h"

namespace tocsin::storage {

using Symbol = uint32_t;

// Thread-safe. Views live as long as the table.
class SymbolTable {
 public:
  SymbolTable();

  // 0 when unknown.
  Symbol Find(std::string_view text) const;
  Symbol Add(std::string_view text);
  // REQUIRES: `symbol` came from Find or Add. No lock.
  std::string_view Text(Symbol symbol) const { return *texts_.Get(symbol); }
  bool Has(Symbol symbol) const { return texts_.Get(symbol) != nullptr; }

  // Loading: gives `text` the number it has on disk. False when the number is taken.
  bool Restore(uint64_t number, std::string_view text);
  // No number below is given out again.
  void ReserveBelow(uint64_t number);

  Symbol last() const;
  uint64_t bytes() const;

 private:
  const std::string_view* Store(std::string_view text);

  mutable std::shared_mutex mutex_;
  PagedTable<const std::string_view> texts_;
  absl::flat_hash_map<std::string_view, Symbol> numbers_;
  std::vector<std::unique_ptr<char[]>> arenas_;
  size_t arena_used_ = 0;
  uint64_t bytes_ = 0;
  Symbol last_ = 0;
};

}  // namespace tocsin::storage
