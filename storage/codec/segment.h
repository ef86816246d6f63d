// A segment: the samples of one group (64 slots = 64 neighbouring series of one owner) over a span
// of time, the value of one key of family `raw`. Bytes (v LEB128, z zigzag LEB128, little endian):
//
//   u8 version (1, or 2 with start timestamps), u8 flags (0), z tmin, v tmax - tmin, u64 present:
//   bit s = slot s has samples v ncol, ncol times { v n, timestamp column of n entries
//   (time_codec.h) } for each present slot, ascending: v (column * 2 + plain)
//     plain 1: one run over the whole column without a gap: v bytes
//     plain 0: v nruns, nruns times { v first, v span, v ngaps { v skip, v len }, v bytes }
//       first  entries between the end of the run before (or the column's start) and this one
//       span   entries from the run's first sample to its last, both included
//       gaps   skip samples are there, then len (>= 1) are absent; after the last gap at least one
//              sample follows
//   version 2: u64 started: bit s = samples of slot s have start timestamps; for each, ascending:
//     v bytes
//   the value columns in slot order, run by run: `bytes` bytes each
//   version 2: the start columns in slot order, `bytes` bytes each: a value column with the start
//     of each sample of the slot, over all its runs, in ms; 0 = unknown
//   u32 xxh: low 32 bits of XXH3-64 of all bytes before
//
// The first byte of a value column tells the kind of its run: 0x03 is a histogram column, every
// other mode one of floats (value_codec.h). A series that changes kind has several runs.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/codec/presence.h"
#include "storage/model/sample.h"

namespace tocsin::storage {

inline constexpr unsigned kSegmentSlots = 64;

// Told from the column's first byte; not stored by itself.
enum class RunKind : uint8_t { kFloat, kHistogram };

// Collects one segment; reusable, keeps its memory. One thread.
class SegmentBuilder {
 public:
  SegmentBuilder() { Reset(); }
  void Reset();

  // Adds a timestamp column; returns its number for AddRun.
  // REQUIRES: 1 <= size <= kMaxColumnEntries, strictly ascending; no slot was added yet.
  uint32_t AddTimes(std::span<const Timestamp> times);

  // The whole column of one series without gaps.
  // REQUIRES: slots come in ascending order; values.size() == entries of the column.
  void AddSlot(unsigned slot, uint32_t column, std::span<const double> values);
  // The samples at the marked entries of the column. Whole columns and no sample at all are fine.
  // REQUIRES: slots ascending; values.size() == presence.Count(), nothing marked past the column.
  void AddSlot(unsigned slot, uint32_t column, const Presence& presence,
               std::span<const double> values);

  // A series whose samples change kind: runs in time order, each with an encoded value column.
  struct Run {
    const Presence* presence;  // marks the run's samples only
    std::string_view bytes;    // from EncodeValues or EncodeHistograms
  };
  void AddRuns(unsigned slot, uint32_t column, std::span<const Run> runs);

  // The start timestamps of the slot added last, one a sample, over all its runs; kNoStart where
  // unknown. REQUIRES: as many as the slot has samples, storable ones; at least one is known.
  void AddStarts(std::span<const Timestamp> starts);

  bool empty() const { return present_ == 0; }
  uint64_t samples() const { return samples_; }
  // Times of the first and last entry of all columns. REQUIRES: a column was added.
  Timestamp min_time() const { return tmin_; }
  Timestamp max_time() const { return tmax_; }

  // Appends the blob to `out`. REQUIRES: !empty(). Reset before the next one.
  void Finish(std::string& out);

 private:
  void StartSlot(unsigned slot);
  void PutRun(const Presence& presence, size_t* at, std::string_view bytes);

  std::string times_;
  std::string table_;
  std::string columns_;
  std::string start_table_;
  std::string start_columns_;
  std::string scratch_;
  uint64_t started_ = 0;
  std::vector<uint32_t> entries_;  // of each timestamp column
  uint64_t present_ = 0;
  int last_slot_ = -1;
  uint64_t samples_ = 0;
  uint64_t samples_before_ = 0;  // without those of the last slot
  Timestamp tmin_, tmax_;
};

// What one run holds. Views: valid until the segment is opened again or its buffers are used again.
struct SegmentRun {
  RunKind kind = RunKind::kFloat;
  std::span<const Timestamp> times;
  std::span<const double> values;     // floats only; as many as times
  ValueShape shape = ValueShape::kAny;
  std::string_view bytes;             // the value column
  std::span<const Timestamp> starts;  // as many as times, or empty when none is known
};

// Where runs are decoded to: one for all segments a thread reads.
struct SegmentBuffers {
  std::array<Timestamp, kMaxColumnEntries> times;
  std::array<double, kMaxColumnEntries> values;
  std::vector<Timestamp> starts;  // empty until a segment has some
};

// An opened segment: its timestamp columns decoded, its tables checked. Reusable, keeps its memory,
// allocates only while a blob has more timestamp columns than any before. Opening: one thread; then
// const methods from any (and from Attach on for the slots it names). The bytes may be anything:
// damage is kCorruption, never a wrong value or a crash.
class OpenedSegment {
 public:
  // Checks the checksum and all tables. On an error nothing may be read.
  // REQUIRES: `blob` outlives the reads.
  Status Open(std::string_view blob);

  // Taken apart (day_part.h): everything before the first value column, and the columns of slots
  // [first, first + count). REQUIRES: opened by Open.
  std::string_view tables() const { return blob_.substr(0, columns_begin_); }
  void AppendColumns(unsigned first, unsigned count, std::string& out) const;
  // Opens the tables alone; slots can be read once Attach has given their columns. The caller has
  // checked a checksum. REQUIRES: both outlive the reads.
  Status OpenTables(std::string_view tables);
  Status Attach(unsigned first, unsigned count, std::string_view columns);

  Timestamp min_time() const { return tmin_; }
  Timestamp max_time() const { return tmax_; }
  uint64_t present() const { return present_; }
  bool Has(unsigned slot) const { return slot < kSegmentSlots && ((present_ >> slot) & 1); }

  // Runs of a slot in time order; 0 when it has no samples.
  size_t RunCount(unsigned slot) const { return Has(slot) ? slots_[slot].run_count : 0; }
  // Decodes one run. REQUIRES: run < RunCount(slot).
  Status ReadRun(unsigned slot, size_t run, SegmentBuffers& buffers, SegmentRun* out) const;

  // What it takes beside the bytes it was opened on.
  uint64_t memory_bytes() const;

 private:
  struct Gap {
    uint32_t skip, len;
  };
  struct Run {
    uint32_t first, span;  // entries of the column
    uint32_t gap_begin, gap_count, samples;
    uint32_t offset, bytes;  // of the value column in the slot's source
  };
  struct Slot {
    uint32_t column = 0;
    uint32_t run_begin = 0;
    uint32_t run_count = 0;
    uint32_t start_offset = 0, start_bytes = 0;  // no bytes: no starts
    std::string_view source;                     // that holds its columns; null: none yet
  };
  struct Column {
    uint32_t entries = 0;
    std::vector<Timestamp> times;
  };

  Status ReadColumns(ByteReader& in);
  Status ReadSlots(ByteReader& in);
  Status ReadRuns(ByteReader& in, const Slot& slot);
  Status ReadStartTable(ByteReader& in);
  Status ReadTables(ByteReader& in);
  // The columns of these slots follow one another in [begin, end) of `source`.
  Status Place(unsigned first, unsigned count, std::string_view source, uint64_t begin,
               uint64_t end);
  Status ReadStarts(const Slot& slot, size_t run, SegmentBuffers& buffers, SegmentRun* out) const;

  std::string_view blob_;
  uint64_t columns_begin_ = 0;
  uint64_t max_bytes_ = 0;  // of a column
  Timestamp tmin_, tmax_;
  uint64_t present_ = 0;
  std::array<Slot, kSegmentSlots> slots_{};
  std::vector<Run> runs_;
  std::vector<Gap> gaps_;
  size_t column_count_ = 0;
  std::vector<Column> columns_;  // only ever grows: its vectors are reused
};

// One with buffers of its own, for who reads one segment after the other. One thread.
class SegmentReader : public OpenedSegment {
 public:
  // The run's views are valid until it reads or opens again.
  Status ReadRun(unsigned slot, size_t run, SegmentRun* out) {
    return OpenedSegment::ReadRun(slot, run, buffers_, out);
  }

 private:
  SegmentBuffers buffers_;
};

}  // namespace tocsin::storage
