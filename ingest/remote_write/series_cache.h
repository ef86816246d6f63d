// The refs of label sets as senders write them, by a hash of their bytes: a series a sender has
// sent before costs one look-up, no labels are decoded.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "storage/model/sample.h"

namespace tocsin::ingest {

// Thread-safe. Bounded: what was not asked for in a while is forgotten. Two independent 64-bit
// hashes name a label set, so that a mix-up is out of question.
class SeriesCache {
 public:
  struct Key {
    uint64_t hash, check;
  };

  // `seed` keeps the hashes unknown outside.
  explicit SeriesCache(uint64_t seed) : seed_(seed) {}

  Key KeyOf(std::string_view label_bytes) const;
  // The same for labels that come as places in a table of symbols, of which the keys are known.
  Key KeyOf(std::span<const uint32_t> label_refs, std::span<const Key> symbols) const;
  // Invalid when unknown.
  SeriesRef Find(const Key& key);
  void Put(const Key& key, SeriesRef ref);
  void Clear();

 private:
  struct Entry {
    uint64_t check = 0;
    SeriesRef ref;
  };
  struct Shard {
    std::mutex mutex;
    // The older half goes when the newer one is full.
    absl::flat_hash_map<uint64_t, Entry> newer, older;
  };
  static constexpr size_t kShards = 16;
  static constexpr size_t kGeneration = (1u << 19) / kShards;

  Shard& ShardOf(const Key& key) { return shards_[key.check % kShards]; }
  static void Insert(Shard& shard, const Key& key, SeriesRef ref);

  const uint64_t seed_;
  std::array<Shard, kShards> shards_;
};

}  // namespace tocsin::ingest
