// Which sealed files exist, as immutable versions. A query holds one version (its read view); files
// and parts of the head that no version names any more go when no older version is held.
#pragma once

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
};
using SealedFilePtr = std::shared_ptr<const SealedFile>;

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
  // By level, then day, class and number. Of those of one level, class and day that name a group
  // the last one counts.
  std::vector<SealedFilePtr> levels;
  std::vector<Tombstone> tombstones;
  std::vector<uint16_t> damaged_days;  // of files that could not be read at the start

  // The files that may hold samples in the range.
  std::span<const SealedFilePtr> OfDays(Timestamp from, Timestamp to) const;
  // The level files of one day, of all classes.
  std::span<const SealedFilePtr> LevelsOf(Level level, uint16_t day) const;
  // Nothing older of the class and level exists; kMinTimestamp: no bound.
  Timestamp EdgeOf(uint8_t retention_class, Level level) const;
  // No older raw sample of any class.
  Timestamp RawEdge() const;
  // Nothing older, neither raw nor in a level.
  Timestamp OldestEdge() const;
  void Sort();
};
// Of level files of one day and level: the one that counts for the group; null: none.
const SealedFile* LevelFileOf(std::span<const SealedFilePtr> levels, uint8_t retention_class,
                              uint64_t group);
// Whether the level file was built from every one of these raw files that names the group.
bool IsComplete(const SealedFile& level, std::span<const SealedFilePtr> raw, uint64_t group);

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
