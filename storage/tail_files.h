// The part of a tail that reads sealed files: what the log does not have any more.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/base/metrics.h"
#include "storage/directory.h"
#include "storage/file_reader.h"
#include "storage/rocks_store.h"
#include "storage/series_index.h"
#include "storage/tail_collector.h"
#include "storage/tail_position.h"

namespace tocsin::storage {

// One thread. Moves the files of a position on.
class TailFiles {
 public:
  TailFiles(const RocksStore& store, const SeriesIndex& index, Counter corruptions)
      : store_(store), index_(index), corruptions_(corruptions) {}

  // Reads files that are due, in the order of their days, until the collector is full. When none is
  // left files_due is 0.
  void Read(const Directory& view, TailPosition* position, TailCollector& out);

 private:
  struct Expected {
    keys::FileId id;
    IdRanges covers;
    Timestamp min_time, max_time;
    uint64_t samples;
  };

  // Files that were due before, are gone, and whose samples are in no other.
  void NoteVanished(const Directory& view, const TailPosition& position, TailCollector& out);
  // Whether the file was read to its end.
  bool ReadFile(const SealedFile& file, const Directory& view, TailPosition* position,
                TailCollector& out);
  Status TakeSeries(FileReader& reader, const SealedFile& file, const Directory& view, uint64_t id,
                    TailCollector& out);

  const RocksStore& store_;
  const SeriesIndex& index_;
  const Counter corruptions_;
  std::vector<Expected> expected_;
  std::optional<keys::FileId> damaged_;  // the last file that was reported
};

}  // namespace tocsin::storage
