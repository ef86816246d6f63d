// Type, unit and help of metric families; the newest wins. On disk: family `default`, `m` + name.
#pragma once

#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/metadata.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// Thread-safe.
class MetadataStore {
 public:
  // Whether it says something new.
  bool Differs(std::string_view metric, const Metadata& metadata) const;
  void Set(std::string_view metric, const Metadata& metadata);
  // Of one metric, or of all when empty; sorted by name.
  std::vector<std::pair<std::string, Metadata>> Get(const std::string& metric) const;

  static void Put(RocksBatch& batch, std::string_view metric, const Metadata& metadata);
  // Unreadable entries are left out: the next scrape brings them again.
  Status Load(const RocksStore& store, uint64_t* damaged);

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, Metadata, std::less<>> of_;
};

}  // namespace tocsin::storage
