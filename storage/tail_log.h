// The part of a tail that reads rows of the log in the order in which they were acknowledged.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "storage/codec/log_row.h"
#include "storage/directory.h"
#include "storage/log.h"
#include "storage/log_readers.h"
#include "storage/rocks_store.h"
#include "storage/tail_collector.h"
#include "storage/tail_position.h"

namespace tocsin::storage {

// One thread. Moves the row of a position on.
class TailLog {
 public:
  TailLog(const RocksStore& store, const Log& log, const LogReaders& readers)
      : store_(store), log_(log), readers_(readers) {}

  // Rows at or behind the position are gone; they are in files.
  bool FellBehind(const TailPosition& position) const {
    return position.row <= readers_.dropped_through();
  }
  // To the first row that is surely there.
  void MoveToOldest(TailPosition* position);

  // Samples that the files hold whose seal_seqs are done were read there.
  void SkipFilesDone(const Directory& view, const TailPosition& position);

  // Reads until the collector is full or nothing is left; sets `more`.
  Status Read(TailPosition* position, TailCollector& out);

 private:
  enum class Stop { kEnd, kFull, kGone };

  // False: the position fell behind meanwhile.
  Result<bool> OpenEpoch(TailPosition* position);
  Result<Stop> ReadEpoch(TailPosition* position, TailCollector& out);
  // Takes what is left of the row in hand, as far as the collector has room.
  void TakeRow(TailPosition* position, TailCollector& out);
  void TakeSample(SeriesRef series, Timestamp t, double value, TailCollector& out);
  void PassRow(TailCollector& out) const;
  bool InFiles(uint64_t group, Timestamp t) const;
  void Close();

  const RocksStore& store_;
  const Log& log_;
  const LogReaders& readers_;

  uint64_t epoch_ = 0;  // being read; 0: none
  uint64_t next_ = 0;   // of it, the row to decode next
  std::unique_ptr<LogRowDecoder> decoder_;
  LogRow row_;
  bool in_hand_ = false;  // row_ is that of the position
  uint64_t damaged_rows_ = 0;

  absl::flat_hash_map<uint64_t, std::vector<GroupMark>> marks_;  // by group
  uint64_t marks_end_ = 0;
};

}  // namespace tocsin::storage
