// What an appender's RowHint stands for: the series of a row in their order, ready to be logged and
// put into the head without a look-up per sample.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "storage/appendable.h"
#include "storage/codec/log_row.h"
#include "storage/head.h"

namespace tocsin::storage {

// Who writes rows of one shape, as the log knows it. Commit thread only.
struct LogOwner {
  explicit LogOwner(uint64_t n) : number(n) {}
  const uint64_t number;  // unique within the process, and so within an epoch
  OwnerLogState state;
  uint64_t generation = 0;  // of the log's, at the last row; other: start anew
  uint64_t layout = 0;      // number of the one last logged
  uint16_t rows = 0;        // since it last started anew
};

// Constant once made; any thread.
struct RowLayout {
  struct Run {
    Group* group;
    uint32_t begin, end;  // of refs
  };
  uint64_t number = 0;  // unique within the process
  std::shared_ptr<LogOwner> owner;
  std::vector<SeriesRef> refs;
  std::vector<Run> runs;
  std::vector<uint8_t> slots;  // as many as refs
  uint64_t generation = 0;     // of the index when the refs were checked
  uint64_t last_used = 0;      // guarded by the cache
};

// Thread-safe. Bounded: the layouts used longest ago go first.
class RowLayouts {
 public:
  explicit RowLayouts(Head& head) : head_(head) {}

  // A hint seen for the first time stands for nothing yet: rows that come only once make no layout.
  uint64_t NewToken();
  // The layout of the hint when it has exactly these refs, else null.
  std::shared_ptr<const RowLayout> Find(const RowHint& hint, std::span<const SeriesRef> refs,
                                        uint64_t generation);
  // A new one; the hint stands for it from then on. Null: a ref comes twice.
  // REQUIRES: every ref named a series when the index had this generation.
  std::shared_ptr<const RowLayout> Make(RowHint& hint, std::span<const SeriesRef> refs,
                                        uint64_t generation);
  void Clear();

 private:
  static constexpr size_t kMaxRefs = 4u << 20;
  std::shared_ptr<RowLayout> Plan(std::span<const SeriesRef> refs);
  void Evict();

  Head& head_;
  std::mutex mutex_;
  absl::flat_hash_map<uint64_t, std::shared_ptr<RowLayout>> layouts_;
  uint64_t next_token_ = 1;
  uint64_t uses_ = 0;
  size_t refs_ = 0;
};

}  // namespace tocsin::storage
