// All series in memory: label set -> id, id -> label set, matchers -> ids. New series and symbols
// are kept aside until the commit thread has written them (always before or with the first row that
// names them, so no sample can come back under labels it was not written with).
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/cold_series.h"
#include "storage/model/labels.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"
#include "storage/owners.h"
#include "storage/postings.h"
#include "storage/rocks_store.h"
#include "storage/symbols.h"

namespace tocsin::storage {

// A series: constant once made, but for what says otherwise.
struct Series {
  uint64_t id = 0;
  Series* next_same_hash = nullptr;  // guarded by the shard of its hash
  uint32_t index = 0;                // dense, in order of creation
  uint16_t pair_count = 0;
  OwnerKind kind = OwnerKind::kShared;
  uint8_t retention_class = 0;
  // No samples are added any more: the label set has, or will get, another id.
  std::atomic<bool> retired{false};
  SymbolPair pairs[1];  // pair_count of them, in the order of the label names

  std::span<const SymbolPair> labels() const { return {pairs, pair_count}; }
};

struct FreeSeries {
  void operator()(Series* series) const;
};
// One that is in no index.
using SeriesPtr = std::unique_ptr<Series, FreeSeries>;
SeriesPtr MakeSeries(const StoredSeries& stored);

// Thread-safe. A Series stays valid for kGrace after it was removed, and while it is not.
class SeriesIndex {
 public:
  // max_series 0: no limit. `made` is told the group of each new series and its class, also while
  // loading; `class_of` names the retention class of a new one.
  using Made = std::function<void(uint64_t group, uint8_t retention_class)>;
  SeriesIndex(uint64_t max_series, Made made, std::function<uint8_t(const Labels&)> class_of = {});
  ~SeriesIndex();

  // Whether the limit holds for a series.
  enum class Quota : uint8_t { kLimited, kExempt };
  // Finds or makes. kInvalidLabels, kSeriesLimit.
  Result<SeriesRef> Resolve(const Labels& labels, Timestamp now, Quota quota = Quota::kLimited);
  // Null when unknown. No lock.
  const Series* Get(SeriesRef ref) const { return by_id_.Get(ref.id); }
  // Null as well when it is retired: resolve again.
  const Series* Writable(SeriesRef ref) const {
    const Series* series = Get(ref);
    return series == nullptr || series->retired.load(std::memory_order_acquire) ? nullptr : series;
  }
  Labels LabelsOf(const Series& series) const;
  // Of all there are, in order of creation.
  void ForEach(const std::function<void(const Series&)>& visit) const;
  // Several series may have one label set (all but one of them retired).
  bool has_retired() const { return retired_.load(std::memory_order_relaxed) > 0; }

  // Those that have left memory; null before Load.
  ColdSeries* cold() const { return cold_.get(); }
  // Hot or cold.
  bool Knows(SeriesRef ref) const;
  std::optional<Labels> FindLabels(SeriesRef ref) const;

  // In ascending order of id.
  std::vector<const Series*> Select(std::span<const Matcher> matchers) const;
  std::vector<std::string> LabelNames() const;  // sorted, of all series
  // "value (n series)" of the value of the label that most series have; "" when none has it.
  std::string Largest(std::string_view name) const;
  std::vector<std::string> LabelValues(const std::string& name) const;
  // Values of the label that a series has which counts; looks at as few as it can.
  std::vector<Symbol> ValuesOf(Symbol name, const std::function<bool(const Series&)>& counts) const;
  const SymbolTable& symbols() const { return symbols_; }

  uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  uint64_t label_pairs() const { return postings_.pairs(); }
  uint64_t created() const { return created_.load(std::memory_order_relaxed); }
  uint64_t removed() const { return removed_.load(std::memory_order_relaxed); }
  uint64_t next_group() const;

  // Takes all series of these groups out; nobody may add to the groups any more. Their refs are
  // stale from then on. REQUIRES: no batch is being committed, the groups ascend.
  void Remove(std::span<const uint64_t> groups, MonotonicTime now);
  // Nothing is added to the series of these groups any more; whoever resolves their labels gets new
  // ids. REQUIRES: as for Remove.
  void Retire(std::span<const uint64_t> groups);
  // Changes with each Remove, so that refs checked before it can be told.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // After the cached refs of the generation before are forgotten.
  void NextGeneration() { generation_.fetch_add(1, std::memory_order_acq_rel); }
  // Frees what was removed long enough ago.
  void FreeRemoved(MonotonicTime now);
  // How long after their removal series may still be looked at (by queries that hold them).
  static constexpr std::chrono::nanoseconds kGrace = std::chrono::hours(1);

  // Commit thread: puts what is not written yet into the batch; Written says that the batch is
  // durable, otherwise the next call puts it again.
  void PutUnwritten(RocksBatch& batch);
  void Written();

  // Once, before anything else. What cannot be read is left out and counted.
  Status Load(const RocksStore& store, uint64_t* damaged);
  void ReserveBelow(uint64_t group, uint64_t symbol);
  // After damage: ids whose labels were lost must not be given to other series.
  void StartNewGroups(uint64_t next_group);

 private:
  static constexpr size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<uint64_t, Series*> by_hash;
  };

  Shard& ShardOf(uint64_t hash) const { return shards_[hash >> 60]; }
  Series* FindIn(const Shard& shard, uint64_t hash, const Labels& labels) const;
  bool Equal(const Series& series, const Labels& labels) const;
  Result<Series*> Create(const Labels& labels, Timestamp now, Quota quota);
  Series* Make(const Placement& placement, std::span<const SymbolPair> pairs,
               uint8_t retention_class);
  void Insert(Shard& shard, uint64_t hash, Series* series);
  void Unlink(Series* series);
  Status LoadRun(std::string_view key, std::string_view value);

  const uint64_t max_series_;
  mutable std::array<Shard, kShards> shards_;
  SymbolTable symbols_;
  std::unique_ptr<ColdSeries> cold_;
  Postings postings_{symbols_};
  PagedTable<Series> by_id_;
  PagedTable<Series> by_index_;
  std::atomic<uint64_t> size_{0};
  std::atomic<uint64_t> created_{0};
  std::atomic<uint64_t> removed_{0};
  std::atomic<uint64_t> generation_{1};
  std::atomic<uint64_t> retired_{0};
  const Made made_;
  const std::function<uint8_t(const Labels&)> class_of_;

  struct New {
    const Series* series;
    Timestamp created;
  };
  mutable std::mutex create_mutex_;  // guards what follows; taken after a shard's
  Owners owners_;
  uint32_t next_index_ = 0;
  struct Removed {
    MonotonicTime at;
    std::vector<Series*> series;
  };
  std::vector<Removed> graveyard_;
  std::vector<New> unwritten_;

  // Commit thread only.
  size_t writing_ = 0;  // of unwritten_
  Symbol written_symbol_ = 0;
  Symbol writing_symbol_ = 0;
};

}  // namespace tocsin::storage
