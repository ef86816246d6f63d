// A level part: the cells of one group (64 slots) at one resolution over up to 1,024 windows, the
// value of one key of family `lvl`. Bytes (v LEB128, z zigzag LEB128, f64 little endian):
//
//   u8 version (1), v resolution ms, z first window: its end / resolution, v windows
//   u64 float slots, u64 histogram slots      bit s: slot s has cells of that kind
//   v nshapes, nshapes times {                what slots with the same sample times share
//     v nruns, nruns times { v skip, v len }  windows without, then with a cell
//     3 columns: count, end - first time, end - last time (ms; 0 where count is 0) }
//   for each float slot, ascending:
//     v shape, u8 flags (bit 0: sum is kept, bit 1: resets and dropped are kept)
//     column first, then derived columns: last, min, max, [sum], [resets, dropped], ended
//   for each histogram slot, ascending: v n, columns of the weights, 1,024 each but for the last
//   u32 xxh
//
//   column   v bytes, a value column (value_codec.h) with one value a cell
//   derived  v tag: 0 = every cell as its rule says; 1 = a column; n >= 2 = as the rule says but
//   for
//            n - 1 cells { v position minus the one before (the first: minus 0), f64 }
//   rules    last: first. min, max: the lesser, the greater of first and last, NaN only when both
//            are. sum: count * first. resets, dropped, ended: 0.
//
// Native histograms of a level are samples themselves, thinned out, in other parts of the group
// (segment.h): the first and the last of each window, both neighbours of each place where the
// counts may have fallen, and staleness markers. The weight of a sample is how many samples of its
// window it stands for: itself and those left out before it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/codec/segment.h"
#include "storage/model/level_cell.h"

namespace tocsin::storage {

// Collects one part; reusable. One thread.
class LevelPartBuilder {
 public:
  // `first_end`: of the first window. REQUIRES: a multiple of the resolution; windows <= 1,024.
  void Reset(Duration resolution, Timestamp first_end, size_t windows);
  // REQUIRES: slots ascend; ends ascend strictly and lie in the windows; flags has_sum, has_resets
  // are the same for all cells.
  void AddFloats(unsigned slot, std::span<const LevelCell> cells);
  // After all floats. REQUIRES: slots ascend.
  void AddWeights(unsigned slot, std::span<const uint32_t> weights);

  bool empty() const { return float_slots_ == 0 && histogram_slots_ == 0; }
  // Appends the blob. REQUIRES: !empty().
  void Finish(std::string& out) const;

 private:
  size_t ShapeOf(std::span<const LevelCell> cells);

  Duration resolution_{1};
  int64_t first_ = 0;
  size_t windows_ = 0;
  uint64_t float_slots_ = 0;
  uint64_t histogram_slots_ = 0;
  std::vector<std::string> shapes_;
  std::string table_;
  std::vector<double> scratch_;
};

// Reads one part after the other; keeps its memory. One thread. The bytes may be anything: damage
// is kCorruption.
class LevelPartReader {
 public:
  // REQUIRES: `blob` outlives the reads.
  Status Open(std::string_view blob);
  bool HasFloats(unsigned slot) const { return slot < kSegmentSlots && (float_slots_ >> slot) & 1; }
  bool HasHistograms(unsigned slot) const {
    return slot < kSegmentSlots && (histogram_slots_ >> slot) & 1;
  }
  uint64_t float_slots() const { return float_slots_; }
  uint64_t histogram_slots() const { return histogram_slots_; }

  // Appends the cells of a slot. REQUIRES: it has some.
  Status ReadFloats(unsigned slot, std::vector<LevelCell>* out);
  Status ReadWeights(unsigned slot, std::vector<uint32_t>* out);

 private:
  struct Derived {
    uint64_t tag = 0;
    std::string_view bytes;  // the column, or the exceptions
  };
  struct Shape {
    size_t cells = 0;
    std::string_view runs;
    uint64_t run_count = 0;
    std::string_view count, first, last;
  };
  struct Slot {
    size_t shape = 0;
    uint8_t flags = 0;
    std::string_view first;
    Derived last, min, max, sum, resets, dropped, ended;
  };
  Status ReadShape(ByteReader& in);
  Status ReadSlot(ByteReader& in, Slot* slot);
  static bool ReadDerived(ByteReader& in, Derived* out);
  Status AppendShape(const Shape& shape, std::vector<LevelCell>* out);
  Status Decode(std::string_view column, size_t n);
  template <typename Rule, typename Put>
  Status Apply(const Derived& derived, std::span<LevelCell> cells, Rule rule, Put put);

  std::string_view blob_;
  Duration resolution_{1};
  int64_t first_ = 0;
  size_t windows_ = 0;
  uint64_t float_slots_ = 0;
  uint64_t histogram_slots_ = 0;
  std::vector<Shape> shapes_;
  std::vector<Slot> slots_;  // of the float slots, ascending
  struct Weights {
    uint64_t count = 0;
    std::string_view columns;
  };
  std::vector<Weights> weights_;  // of the histogram slots, ascending
  std::vector<double> values_;
};

}  // namespace tocsin::storage
