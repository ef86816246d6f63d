// Opened groups of sealed files that were read last, so that the next query over the same series
// need not fetch and check them again.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "storage/directory.h"
#include "storage/opened_group.h"

namespace tocsin::storage {

// Never stale: an entry belongs to one SealedFile object, whose bytes do not change; seal, merge,
// roll-up and deletion make new files and name them in a new directory version, retention names
// them no more, and tombstones are looked at when samples are read. What nobody asks for any more
// leaves as the least recently used.
//
// Thread-safe.
class GroupCache {
 public:
  // Entries take at most that much, but for those that readers hold besides.
  explicit GroupCache(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Null: not here.
  std::shared_ptr<OpenedGroup> Find(const SealedFile& file, uint64_t group);
  void Add(const SealedFile& file, uint64_t group, std::shared_ptr<OpenedGroup> opened);
  // After it has grown.
  void Weigh(const SealedFile& file, uint64_t group);

  struct Stats {
    uint64_t bytes = 0;
    uint64_t hits = 0, misses = 0;
  };
  Stats stats() const;

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // number of the file object, group
  struct Entry {
    Key key;
    std::shared_ptr<OpenedGroup> group;
    uint64_t bytes;
  };
  void Shrink();  // REQUIRES: mutex_ held

  const uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
  absl::flat_hash_map<Key, std::list<Entry>::iterator> by_key_;
  Stats stats_;
};

}  // namespace tocsin::storage
