// Reads the samples of selected series: files day by day, the head behind them, merged by time (of
// equal times the first arrival wins), handed out in blocks.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "storage/base/metrics.h"
#include "storage/directory.h"
#include "storage/group_cache.h"
#include "storage/head.h"
#include "storage/level_reader.h"
#include "storage/queryable.h"
#include "storage/rocks_store.h"
#include "storage/series_index.h"

namespace tocsin::storage {

// Damage met while reading, each kind once. Thread-safe.
class Warnings {
 public:
  void Add(std::string text) const {
    std::lock_guard lock(mutex_);
    texts_.insert(std::move(text));
  }
  std::vector<std::string> Get() const {
    std::lock_guard lock(mutex_);
    return {texts_.begin(), texts_.end()};
  }

 private:
  mutable std::mutex mutex_;
  mutable std::set<std::string> texts_;
};

// What the readers of one select share. Constant but for the warnings.
struct ReadContext {
  ReadContext(const RocksStore& s, GroupCache& g, const Head& h, DirectoryPtr v)
      : store(s), groups(g), head(h), view(std::move(v)) {}

  const RocksStore& store;
  GroupCache& groups;
  const Head& head;
  const DirectoryPtr view;
  Timestamp from, to;
  Timestamp raw_from;  // >= from: no older sample counts
  LevelChoice levels;  // days that are read from a level
  // Of series with several ids: the others, ascending, by the newest.
  absl::flat_hash_map<uint64_t, std::vector<uint64_t>> older;
  std::vector<SeriesPtr> cold;  // selected series that are not in memory otherwise
  const std::atomic<bool>* canceled = nullptr;
  Counter corruptions;
  Warnings warnings;
};

using SelectedSeries = std::shared_ptr<const std::vector<const Series*>>;

std::unique_ptr<SampleReader> MakeSampleReader(std::shared_ptr<const ReadContext> context,
                                               SelectedSeries series);

}  // namespace tocsin::storage
