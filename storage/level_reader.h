// Which days of a select are read from a level, and reading them.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/codec/level_part.h"
#include "storage/codec/segment.h"
#include "storage/directory.h"
#include "storage/head.h"
#include "storage/level_cells.h"
#include "storage/queryable.h"
#include "storage/rocks_store.h"
#include "storage/series_index.h"
#include "storage/slot_samples.h"

namespace tocsin::storage {

struct LevelChoice {
  struct Day {
    uint16_t day;
    Level level;
    LevelFiles files;   // of the level that have the day
    bool left = false;  // of some series raw samples are not there any more

    // The one that counts for the group; null: none.
    const SealedFile* FileOf(uint64_t group) const;
  };
  std::vector<Day> days;  // ascending
  std::vector<std::string> infos;

  bool empty() const { return days.empty(); }
  std::vector<LevelRegion> regions() const;
};

// Where only a level is left, the newest sample before a time may be as old as this.
inline constexpr Duration kLevelReach = 2 * ResolutionOf(Level::k1h);

// Days of [from, to]: those that the hints allow to be read from a level which is complete for all
// of the series, and those of which only a level is left. `series`: ids, ascending.
LevelChoice ChooseLevels(const Directory& view, const Head& head, std::span<const uint64_t> series,
                         Timestamp from, Timestamp to, const SelectHints& hints);

// What the function around a selector needs.
struct LevelNeeds {
  LevelColumns columns;
  // Whether cells that lack sums, or resets, are of no use to it, and whether histograms are.
  bool sums = false, resets = false, no_histograms = false;
};
LevelNeeds NeedsOf(const std::string& function);

// Where the cells of a slot lie among the keys of the group: joined levels (FileKind::kLevelSpan)
// have eight slots a part, so that one series of ten days is an eighth of the bytes.
inline constexpr unsigned kSpanSlots = 8;

// Reads one series after the other from level files. One thread.
class LevelReader {
 public:
  explicit LevelReader(const RocksStore& store, const LevelColumns& columns = {})
      : store_(store), columns_(columns) {}

  struct Histograms {
    std::vector<TimedHistogram> samples;
    std::vector<uint32_t> weights;
  };
  // Days of a file, both inclusive. REQUIRES of Read: the file has them.
  struct Days {
    uint16_t first, last;
  };
  // Appends what the days of the file have of the series in windows that meet [from, to], but for
  // windows of which a tombstone deleted samples that the file does not know.
  Status Read(const SealedFile& file, uint64_t series_id, Days days, Timestamp from, Timestamp to,
              std::span<const Tombstone> tombstones, std::vector<LevelCell>* cells,
              Histograms* histograms);

 private:
  struct Part {
    std::string blob;
    LevelPartReader reader;
    std::vector<std::string> histogram_blobs;
    Status status;
  };
  Part& Fetch(const SealedFile& file, uint64_t group, unsigned slot);
  Status ReadHistograms(const Part& part, unsigned slot, Days days, Histograms* out);

  const RocksStore& store_;
  const LevelColumns columns_;
  // Of the group in hand, so that its next series finds them.
  static constexpr size_t kMaxParts = 512;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, std::unique_ptr<Part>> parts_;
  std::vector<std::unique_ptr<Part>> spare_;
  uint64_t group_ = 0;
  SegmentReader segment_;
};

}  // namespace tocsin::storage
