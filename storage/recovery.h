// What happens at a start before the first row: the format is checked, files and their marks are
// read, numbers go on behind everything ever given out, the log is replayed into the head.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/directory.h"
#include "storage/head.h"
#include "storage/rocks_store.h"
#include "storage/series_index.h"

namespace tocsin::storage {

// The next number of each kind; nothing below is ever given out (again).
struct Numbers {
  uint64_t log_seq = 1;
  uint64_t group = 1;
  uint64_t symbol = 1;
  uint64_t seal_seq = 1;
  uint64_t tombstone = 1;
};

std::string EncodeFloors(const Numbers& numbers);
// kCorruption.
Result<Numbers> DecodeFloors(std::string_view value);

std::string EncodeTombstone(const Tombstone& tombstone);
Result<Tombstone> DecodeTombstone(uint64_t number, std::string_view value);
// The value of an edge and of the guarded clock.
std::string EncodeTime(Timestamp t);
// The last row of the epochs that were dropped.
std::string EncodeLogDropped(uint64_t log_seq);

// Writes the format into a new database, and into one that has lost it (`repaired`).
// kInvalidArgument: it is of a newer format, or not ours.
Status CheckFormat(RocksStore& store, bool repaired);

struct Recovered {
  Directory directory;
  std::optional<Timestamp> guarded;     // the guarded clock when the database was last open
  uint64_t log_dropped = 0;             // the last row of the epochs that were dropped
  Numbers numbers;                      // floors, files and log taken into account
  std::vector<keys::FileId> contained;  // left over by a crash: others cover them, or the edge does
  uint64_t damaged_files = 0;
  uint64_t damaged_rows = 0;    // of the log
  uint64_t damaged_values = 0;  // of the small families
};

// Reads files, tombstones, edges, floors.
Result<Recovered> ReadDirectory(const RocksStore& store);

// Appends every logged sample that no file has. Raises recovered->numbers.log_seq.
Status ReplayLog(const RocksStore& store, const SeriesIndex& index, Head& head, MonotonicTime now,
                 Recovered* recovered);

}  // namespace tocsin::storage
