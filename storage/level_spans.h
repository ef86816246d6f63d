// Joins the 1h levels of ten days into one file: a panel over a year then takes an eighth of a
// group's bytes every ten days instead of all of them every day. The cells stay what they are, cell
// by cell, and what says of which raw files each day was built stays with them. Late samples of a
// joined day make a level file of that day again, which counts before the joined one until both are
// joined anew. When the oldest days of a joined file are over, it is written again without them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "storage/base/result.h"
#include "storage/directory.h"
#include "storage/folder.h"
#include "storage/level_reader.h"
#include "storage/retention.h"
#include "storage/rocks_store.h"
#include "storage/segment_parts.h"

namespace tocsin::storage {

// Days of one class from a multiple of this on.
inline constexpr uint16_t kSpanDays = 10;
// Levels that are kept shorter stay by day: joining them would cost more than it saves.
inline constexpr Duration kSpanMinimumKeep{4 * kSpanDays * kDayMs};

struct SpanJob {
  uint8_t retention_class = 0;
  uint16_t first = 0, last = 0;       // the days that stay, both inclusive
  std::vector<SealedFilePtr> inputs;  // they go

  bool empty() const { return inputs.empty(); }
};

// The oldest span that should be one file and is not, or has days that are over. `newest`: as for
// PlanByTime. `skip`: spans, by their first day, that were joined lately and can wait.
SpanJob PlanSpan(const Directory& directory, Timestamp closed_before, Timestamp newest,
                 const KeepOfClass& keep,
                 const std::function<bool(uint8_t retention_class, uint16_t span)>& skip);

// The background worker's; one job at a time.
class SpanWriter {
 public:
  struct Deps {
    RocksStore& store;
    const Folder& folder;
    Directories& directories;
  };
  explicit SpanWriter(const Deps& deps) : deps_(deps), reader_(deps.store) {}

  // The new file is in the directory when it returns; its bytes. REQUIRES: `seal_seq` is new.
  Result<uint64_t> Write(const SpanJob& job, uint64_t seal_seq);

 private:
  struct Output;
  Status AddGroup(const SpanJob& job, uint64_t group, const Directory& view,
                  const std::vector<LevelFiles>& of_day, Output* out);

  const Deps deps_;
  LevelReader reader_;
  SegmentParts parts_;
};

}  // namespace tocsin::storage
