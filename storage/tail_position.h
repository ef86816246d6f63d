// Where a tail stands, and its bytes: u8 version (1), v row, v row samples, v files done, v files
// due, z newest, v n, n times { u8 class, v day, ranges finished }, u8 class, v day, v seal_seq,
// v series (v LEB128, z zigzag LEB128, ranges: file_header.h). Kept by others in their own state.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/codec/file_header.h"
#include "storage/directory.h"
#include "storage/key_schema.h"

namespace tocsin::storage {

struct TailPosition {
  // The log row to read next, and how many of its samples were read.
  uint64_t row = 0;
  uint64_t row_samples = 0;
  // Everything in files that cover no seal_seq above files_done was read. files_due is not 0 while
  // the log has lost rows: then files that cover seal_seqs in (files_done, files_due] come first.
  uint64_t files_done = 0;
  uint64_t files_due = 0;
  // The newest sample ever read.
  Timestamp newest = kMinTimestamp;
  // Of the seal_seqs that are due, by class and day.
  std::map<std::pair<uint8_t, uint16_t>, IdRanges> finished;
  // The file in hand: its series below this id were read. 0: none.
  keys::FileId file;
  uint64_t file_series = 0;

  // What of the file is due; empty: nothing.
  IdRanges Due(const SealedFile& file) const;
  void Finish(const SealedFile& file);

  std::string Encode() const;
  // kCorruption; kUnsupported names a newer version.
  static Result<TailPosition> Decode(std::string_view bytes);
};

}  // namespace tocsin::storage
