// Which series have which label: for every (name, value) the ascending numbers of its series.
// A series here is its dense index in memory, in order of creation.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <shared_mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/model/matcher.h"
#include "storage/symbols.h"

namespace tocsin::storage {

using SymbolPair = std::pair<Symbol, Symbol>;  // name, value

// Thread-safe; readers share. A regex is matched against the distinct values of its label while no
// lock is held.
class Postings {
 public:
  explicit Postings(const SymbolTable& symbols) : symbols_(symbols) {}

  // REQUIRES: indexes come in ascending order.
  void Add(uint32_t index, std::span<const SymbolPair> pairs);
  // Takes the given series out. Linear in the postings of the labels they have.
  void Remove(std::span<const uint32_t> sorted_indexes,
              const std::vector<std::vector<SymbolPair>>& pairs);

  // The ascending indexes that match all; no matchers: all.
  std::vector<uint32_t> Select(std::span<const Matcher> matchers) const;

  std::vector<Symbol> Names() const;
  std::vector<Symbol> Values(Symbol name) const;
  // Up to `n` indexes of the series with that label, after the first `from` of them; how many.
  size_t Some(Symbol name, Symbol value, size_t from, size_t n, std::vector<uint32_t>* out) const;
  uint64_t pairs() const;
  // The value of `name` with most series, and how many; 0: none.
  std::pair<Symbol, uint64_t> Largest(Symbol name) const;

 private:
  struct Name {
    absl::flat_hash_map<Symbol, std::vector<uint32_t>> values;
  };
  // The postings of some values of a label. REQUIRES: mutex_ is held for as long as they are used.
  struct Lists {
    std::vector<const std::vector<uint32_t>*> lists;
    size_t total = 0;
  };
  Lists Find(Symbol name, const std::vector<Symbol>& values) const;
  // The values that match (or that do not, when `invert`).
  std::vector<Symbol> MatchingValues(Symbol name, const Matcher& matcher, bool invert) const;

  const SymbolTable& symbols_;
  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<Symbol, Name> names_;
  std::vector<uint32_t> all_;
};

}  // namespace tocsin::storage
