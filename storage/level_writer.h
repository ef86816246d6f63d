// Builds the levels of a closed day from its raw files. A level file says which raw files it was
// built from; for a group it is complete as long as every raw file of the day that names the group
// is among them. So a crash between a roll-up and its levels costs nothing but the work, and late
// samples are seen: their groups are built again, into a level file of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "storage/base/result.h"
#include "storage/directory.h"
#include "storage/file_reader.h"
#include "storage/folder.h"
#include "storage/level_cells.h"
#include "storage/rocks_store.h"
#include "storage/segment_parts.h"

namespace tocsin::storage {

// Histogram samples of a group lie in parts from here on.
inline constexpr uint16_t kFirstHistogramPart = 0x8000;

struct LevelJob {
  uint8_t retention_class = 0;
  uint16_t day = 0;
  std::vector<Level> levels;
  IdRanges groups;     // never empty
  bool whole = false;  // they are all groups of the day: older level files of it go

  bool empty() const { return levels.empty(); }
};

// Which levels a class keeps.
using LevelsOfClass = std::function<std::vector<Level>(uint8_t retention_class)>;

// The oldest day that ends before `closed_before`, is not in `skip` and lacks something.
LevelJob PlanLevels(const Directory& directory, Timestamp closed_before,
                    const LevelsOfClass& levels_of,
                    const std::function<bool(uint8_t retention_class, uint16_t day)>& skip);

// The background worker's; one job at a time.
class LevelWriter {
 public:
  struct Deps {
    RocksStore& store;
    const Folder& folder;
    Directories& directories;
    // Whether name or metadata say that the series counts.
    std::function<bool(uint64_t series_id)> is_counter;
  };
  explicit LevelWriter(const Deps& deps) : deps_(deps), reader_(deps.store, nullptr, kReaderParts) {}

  struct Outcome {
    uint64_t samples = 0;  // read
    uint64_t bytes = 0;    // written
  };
  // The new files are in the directory when it returns. kCorruption: a raw file is damaged; nothing
  // was changed. REQUIRES: `seal_seq` is new.
  Result<Outcome> Write(const LevelJob& job, uint64_t seal_seq);

 private:
  // Parts of one group that stay fetched.
  static constexpr size_t kReaderParts = 4096;
  struct OfLevel;

  Status ReadSlot(std::span<const SealedFilePtr> raw, uint64_t series_id, const Directory& view);
  Status AddGroup(std::span<const SealedFilePtr> raw, uint64_t group, const Directory& view,
                  std::span<const std::unique_ptr<OfLevel>> levels, Outcome* outcome);

  const Deps deps_;
  FileReader reader_;
  std::vector<TimedValue> values_;  // of the slot in hand
  std::vector<TimedHistogram> histograms_;
  SegmentParts parts_;
  uint64_t damaged_ = 0;  // series of the job that could not be read as a whole
};

// What a level keeps of the histograms of one series, given in order of time.
struct ThinnedHistograms {
  std::vector<TimedHistogram> samples;
  std::vector<uint32_t> weights;
};
ThinnedHistograms Thin(std::span<const TimedHistogram> samples, Duration resolution);

}  // namespace tocsin::storage
