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
  };
  std::vector<Day> days;  // ascending
  std::vector<std::string> infos;

  bool empty() const { return days.empty(); }
  std::vector<LevelRegion> regions() const;
};

// Days of [from, to]: those that the hints allow to be read from a level which is complete for all
// of the series, and those of which only a level is left. `series`: ids, ascending.
LevelChoice ChooseLevels(const Directory& view, const Head& head, std::span<const uint64_t> series,
                         Timestamp from, Timestamp to, const SelectHints& hints);

// Reads one series after the other from level files. One thread.
class LevelReader {
 public:
  explicit LevelReader(const RocksStore& store) : store_(store) {}

  struct Histograms {
    std::vector<TimedHistogram> samples;
    std::vector<uint32_t> weights;
  };
  // Appends what the file has of the series in windows that meet [from, to], but for windows that
  // a tombstone touches which the file does not know.
  Status Read(const SealedFile& file, uint64_t series_id, Timestamp from, Timestamp to,
              std::span<const Tombstone> tombstones, std::vector<LevelCell>* cells,
              Histograms* histograms);

 private:
  struct Part {
    keys::FileId file;
    uint64_t group = 0;
    std::string blob;
    LevelPartReader reader;
    std::vector<std::string> histogram_blobs;
    Status status;
  };
  Part& Fetch(const SealedFile& file, uint64_t group);
  Status ReadHistograms(const Part& part, unsigned slot, Histograms* out);

  const RocksStore& store_;
  // Of the group in hand, so that its next series finds them.
  static constexpr size_t kMaxParts = 512;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, std::unique_ptr<Part>> parts_;
  uint64_t group_ = 0;
  SegmentReader segment_;
};

}  // namespace tocsin::storage
