// Type, unit and help of metric families; the newest wins. On disk: family `default`, `m` + name.
#pragma once

#include <functional>
#include <map>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/metrics.h"
#include "storage/base/result.h"
#include "storage/model/metadata.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// Names come from outside and may be ever new, so there is a limit: what does not fit is refused
// and counted; maintenance forgets families without series when it gets crowded. Thread-safe.
class MetadataStore {
 public:
  // max_bytes: of all families together, in memory.
  MetadataStore(uint64_t max_bytes, Counter refused)
      : max_bytes_(max_bytes), refused_(std::move(refused)) {}

  // Whether it says something new.
  bool Differs(std::string_view metric, const Metadata& metadata) const;
  // False: there is no room for it (counted, and logged once per time it gets full).
  bool Set(std::string_view metric, const Metadata& metadata);
  void Forget(std::span<const std::string> metrics);
  // Of one metric, or of all when empty; sorted by name.
  std::vector<std::pair<std::string, Metadata>> Get(const std::string& metric) const;

  // Three quarters are taken.
  bool crowded() const;
  std::vector<std::string> NamesWithout(
      const std::function<bool(const std::string& metric)>& wanted) const;

  static void Put(RocksBatch& batch, std::string_view metric, const Metadata& metadata);
  static void Delete(RocksBatch& batch, std::string_view metric);
  // Unreadable entries are left out: the next scrape brings them again. Takes what is there, also
  // beyond the limit.
  Status Load(const RocksStore& store, uint64_t* damaged);

  // What one family may take.
  static constexpr uint64_t kMaxFamilyBytes = 16u << 10;

 private:
  void SetLocked(std::string metric, Metadata metadata);

  const uint64_t max_bytes_;
  const Counter refused_;
  mutable std::shared_mutex mutex_;  // guards what follows
  std::map<std::string, Metadata, std::less<>> of_;
  uint64_t bytes_ = 0;
  bool told_ = false;  // that it is full
};

}  // namespace tocsin::storage
