// The refs of label sets as senders write them, by a hash of their bytes: a series a sender has
// sent before costs one look-up, no labels are decoded.
//
// Senders repeat themselves: the series that followed another one in a request follows it in the
// next. So each entry remembers its successor, and entries lie in the order of their arrival: the
// usual look-up is a comparison with memory that was read ahead, not a probe of a large table.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "storage/model/sample.h"

namespace tocsin::ingest {

// Thread-safe. Bounded: what was not asked for in a while is forgotten. 96 bits of two independent
// hashes name a label set, so that a mix-up is out of question.
class SeriesCache {
 public:
  struct Key {
    uint64_t hash, check;
  };

  // `seed` keeps the hashes unknown outside.
  explicit SeriesCache(uint64_t seed);
  ~SeriesCache();

  Key KeyOf(std::string_view label_bytes) const;
  // The same for labels that come as places in a table of symbols, of which the keys are known.
  Key KeyOf(std::span<const uint32_t> label_refs, std::span<const Key> symbols) const;

  // The look-ups of one request, in its order. One thread. Holds the cache for reading:
  // short-lived, and nothing that waits for another request may be done meanwhile.
  class Cursor {
   public:
    explicit Cursor(SeriesCache& cache) : cache_(cache), lock_(cache.mutex_) {}

    // Invalid when unknown.
    SeriesRef Find(const Key& key);
    void Put(const Key& key, SeriesRef ref);
    // No look-ups any more.
    void Release() {
      if (lock_.owns_lock()) lock_.unlock();
    }

   private:
    SeriesCache& cache_;
    std::shared_lock<std::shared_mutex> lock_;
    uint64_t generation_ = 0;  // of the cache, when last_ was found
    uint32_t last_ = kNone;
  };

  void Clear();

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr size_t kPage = 4096;
  static constexpr size_t kGenerationSeries = 1u << 20;

  struct Entry {
    uint64_t hash = 0;
    SeriesRef ref;
    uint32_t check = 0;
    std::atomic<uint32_t> next{kNone};
    bool Is(const Key& key) const {
      return hash == key.hash && check == static_cast<uint32_t>(key.check);
    }
  };
  // Entries in the order of their arrival, found by their hash.
  class Generation;

  const uint64_t seed_;
  std::shared_mutex mutex_;
  // The older half goes when the newer one is full. Guarded by mutex_, but for Entry::next.
  std::unique_ptr<Generation> newer_, older_;
  uint64_t generation_ = 0;  // changes when places do
};

}  // namespace tocsin::ingest
