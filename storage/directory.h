// Which sealed files exist, as immutable versions. A query holds one version (its read view); files
// and parts of the head that no version names any more go when no older version is held.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "storage/base/time.h"
#include "storage/codec/file_header.h"
#include "storage/key_schema.h"
#include "storage/level_cells.h"

namespace tocsin::storage {

// Constant; any thread.
struct SealedFile {
  keys::FileId id;
  FileHeader header;
  // Of this object, in this process: another file, also one that was built anew under the same id,
  // has another.
  uint64_t number = NextNumber();

  static uint64_t NextNumber();
  bool Overlaps(Timestamp from, Timestamp to) const {
    return header.min_time <= to && header.max_time >= from;
  }
  // Its days, both inclusive: one but for levels that were joined.
  uint16_t first_day() const { return id.day; }
  uint16_t last_day() const {
    const size_t more = std::max<size_t>(header.built_from_by_day.size(), 1) - 1;
    return static_cast<uint16_t>(std::min<size_t>(id.day + more, kMaxDay));
  }
  bool HasDay(uint16_t day) const { return day >= first_day() && day <= last_day(); }
  // Of a level: the raw files that its day was built from. REQUIRES: HasDay(day).
  const IdRanges& BuiltFrom(uint16_t day) const {
    return header.built_from_by_day.empty() ? header.built_from
                                            : header.built_from_by_day[day - id.day];
  }
};
using SealedFilePtr = std::shared_ptr<const SealedFile>;
// Of one level and day, by class and number.
using LevelFiles = std::vector<const SealedFile*>;

// Samples of the series in [from, to] that files with covers up to `bound_seal_seq` hold are gone.
struct Tombstone {
  uint64_t number = 0;
  Timestamp from, to;
  uint64_t bound_seal_seq = 0;
  std::vector<uint64_t> series;  // ascending

  // Whether it hides samples of the file's series.
  bool Masks(const SealedFile& file, uint64_t series_id) const;
};

// By class and level (as on disk): nothing older than this exists any more.
using Edges = std::map<std::pair<uint8_t, uint8_t>, Timestamp>;

// One version. Constant once published; any thread.
struct Directory {
  uint64_t published = 0;  // the highest seal_seq in it
  Edges edges;
  // By day, class and the lowest seal_seq covered: of equal times the first file's sample wins.
  std::vector<SealedFilePtr> files;
  // By level, then first day, class and number. Of those of one level and class that have a day and
  // name a group the one with the highest number counts there.
  std::vector<SealedFilePtr> levels;
  std::vector<Tombstone> tombstones;
  std::vector<uint16_t> damaged_days;  // of files that could not be read at the start

  // The files that may hold samples in the range.
  std::span<const SealedFilePtr> OfDays(Timestamp from, Timestamp to) const;
  // The level files that have the day, of all classes.
  LevelFiles LevelsOf(Level level, uint16_t day) const;
  // Nothing older of the class and level exists; kMinTimestamp: no bound.
  Timestamp EdgeOf(uint8_t retention_class, Level level) const;
  // No older raw sample of any class.
  Timestamp RawEdge() const;
  // Nothing older, neither raw nor in a level.
  Timestamp OldestEdge() const;
  void Sort();

 private:
  size_t longest_level_ = kMaxHeaderDays;  // days of a level file, at most
};
// Of level files of one day and level: the one that counts for the group; null: none.
const SealedFile* LevelFileOf(const LevelFiles& levels, uint8_t retention_class, uint64_t group);
// Whether the day of the level file was built from every one of these raw files of the day that
// names the group.
bool IsComplete(const SealedFile& level, uint16_t day, std::span<const SealedFilePtr> raw,
                uint64_t group);
// Whether the level files tell all that these raw files of the class and day have.
bool AreComplete(const LevelFiles& levels, uint16_t day, std::span<const SealedFilePtr> raw,
                 uint8_t retention_class);
// Whether samples of the day that one of the files counts for were deleted since.
bool HasMasked(const Directory& directory, const LevelFiles& levels, uint16_t day,
               uint8_t retention_class);

using DirectoryPtr = std::shared_ptr<const Directory>;

// The newest version and who holds older ones. Thread-safe.
class Directories {
 public:
  Directories();
  DirectoryPtr View() const;
  void Publish(Directory next);
  // The lowest `published` of all versions that somebody holds.
  uint64_t OldestPublished() const;

  // Files that the newest version does not name and no one holds any more, each once.
  std::vector<keys::FileId> TakeUnused();
  // Files that the newest version does not name but an older one that is held does.
  bool HasUnused() const;

 private:
  mutable std::mutex mutex_;
  DirectoryPtr current_;
  mutable std::vector<std::weak_ptr<const Directory>> older_;
  struct Dropped {
    keys::FileId id;
    std::weak_ptr<const SealedFile> file;
  };
  std::vector<Dropped> dropped_;
};

}  // namespace tocsin::storage
