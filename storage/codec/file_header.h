// The header value of a sealed file (family `raw` or `lvl`, group byte 0xFF, the last key of the
// file and the first that is read). Bytes (v LEB128, z zigzag LEB128):
//
//   u8 version (1), u8 kind (1 seal, 2 merge, 3 day, 4 level)
//   ranges covers      the seal_seqs whose samples the file holds
//   z tmin, z tmax, v samples, v bytes, v late samples
//   ranges groups      the groups that have a blob in the file
//   v highest tombstone applied
//   v nmarks, nmarks times { v group minus the group before, v log_hi, z cut ms }
//   kind 4 only: ranges built from (raw seal_seqs), z complete from, z complete to
//   u32 xxh
//
// ranges = v count, count times { v first minus the end of the range before, v length }; ascending,
// disjoint, not touching, length >= 1.
//
// A mark says: every sample of the group with log_seq <= log_hi and t < cut is in this file or in
// one before it; replay of the log skips them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::storage {

// On disk: values may not change.
enum class FileKind : uint8_t { kSeal = 1, kMerge = 2, kDay = 3, kLevel = 4 };

// [first, first + length).
struct IdRange {
  uint64_t first = 0;
  uint64_t length = 0;
  bool operator==(const IdRange&) const = default;
};

// Ascending, disjoint ids; a value.
class IdRanges {
 public:
  // REQUIRES: id is above every id already there.
  void Append(uint64_t id);
  // Takes the ids of `other` in as well.
  void Merge(const IdRanges& other);
  bool Contains(uint64_t id) const;
  // Whether every id of `other` is here.
  bool ContainsAll(const IdRanges& other) const;
  bool empty() const { return ranges_.empty(); }
  // REQUIRES of both: !empty().
  uint64_t front() const { return ranges_.front().first; }
  uint64_t back() const { return ranges_.back().first + ranges_.back().length - 1; }
  const std::vector<IdRange>& ranges() const { return ranges_; }

  void Encode(std::string& out) const;
  // False: malformed.
  bool Decode(ByteReader& in);

  bool operator==(const IdRanges&) const = default;

 private:
  std::vector<IdRange> ranges_;
};

struct GroupMark {
  uint64_t group = 0;
  uint64_t log_hi = 0;
  Timestamp cut;
  bool operator==(const GroupMark&) const = default;
};

struct FileHeader {
  FileKind kind = FileKind::kSeal;
  IdRanges covers;
  Timestamp min_time, max_time;
  uint64_t samples = 0;
  uint64_t bytes = 0;  // of the blobs
  uint64_t late_samples = 0;
  IdRanges groups;
  uint64_t tombstone = 0;        // highest applied; 0: none
  std::vector<GroupMark> marks;  // ascending groups
  // kLevel only:
  IdRanges built_from;
  Timestamp complete_from, complete_to;

  bool operator==(const FileHeader&) const = default;
};

// REQUIRES: marks ascend by group.
void EncodeFileHeader(const FileHeader& header, std::string& out);
// kCorruption; kUnsupported names a newer version.
Result<FileHeader> DecodeFileHeader(std::string_view bytes);

}  // namespace tocsin::storage
