// Closed days: the segments of a group taken apart, so that one series of a day is an eighth of the
// bytes. Part 0 holds what all slots share (timestamp columns and tables), parts 1 to 8 the value
// columns of eight slots each. Bytes (v LEB128):
//
//   part 0      u8 version (0x41), v nseg, nseg times { v length, the segment up to its first value
//               column (segment.h) }, u32 xxh
//   part 1 + k  u8 version (0x42), u8 k, nseg times { v length, value columns of slots 8k to 8k +
//   7,
//               then their start columns }, u32 xxh; left out when none of the slots has samples
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/segment.h"

namespace tocsin::storage {

inline constexpr unsigned kDaySlots = 8;  // of a part
inline constexpr unsigned kDayParts = kSegmentSlots / kDaySlots;

// Collects the segments of one group and day; reusable. One thread.
class DayPartBuilder {
 public:
  void Reset();
  // REQUIRES: `segment` is one that SegmentBuilder gave.
  Status Add(std::string_view segment);
  bool empty() const { return segments_ == 0; }
  // Append the blobs. REQUIRES: !empty().
  void FinishIndex(std::string& out) const;
  bool HasPart(unsigned k) const { return (present_ >> (k * kDaySlots) & 0xFF) != 0; }
  void FinishPart(unsigned k, std::string& out) const;

 private:
  SegmentReader reader_;
  size_t segments_ = 0;
  uint64_t present_ = 0;
  std::string index_;
  std::array<std::string, kDayParts> parts_;
};

// Reads the segments of one group and day. One thread opens; segments whose part is open may be
// read by others meanwhile. The bytes may be anything: damage is kCorruption.
class DayPartReader {
 public:
  // REQUIRES: `blob` outlives the reads.
  Status OpenIndex(std::string_view blob);
  // Gives the segments the columns of the part's slots; those of other parts that were given stay.
  Status OpenPart(unsigned k, std::string_view blob);

  size_t segments() const { return count_; }
  // Its columns may be read where their part is open. REQUIRES: i < segments().
  const OpenedSegment& segment(size_t i) const { return *readers_[i]; }

 private:
  size_t count_ = 0;
  std::vector<std::unique_ptr<OpenedSegment>> readers_;  // only ever grows
};

// Whether the blob looks like a part 0.
bool IsDayIndex(std::string_view blob);

}  // namespace tocsin::storage
