// Rows of the log of acknowledged samples (families `log_<n>`, one epoch each): the value of one
// log_seq key. Bytes: u8 = kind | version << 4 (version 0), then (v LEB128, z zigzag LEB128,
// str = v length + bytes):
//
//   1 timeline   v owner, z t minus t of the owner's row before (first: minus 0), then over the
//                owner's layout: v run of unchanged values, token, v run, token, ... until run and
//                tokens have covered the layout (a run of 0 stands between two tokens; a run that
//                reaches the end is written and nothing follows)
//   2 sparse     v n, n times { z id minus the id before, z t minus the t before, token }
//   3 histogram  v id, z t, a histogram column of one sample (histogram_codec.h)
//   4 layout     v owner, u8 flags (bit 0: the owner starts anew), v nruns,
//                nruns times { z first id minus the end of the run before, v length }
//   5 owner      v owner, v ngroups, ngroups times { z group minus the group before }
//   6 tombstone  v number, z from ms, z to ms, v bound seal_seq, v n, n times { v id delta }
//   7 extra      u8 what; 1 metadata: str metric, u8 type, str unit, str help; 2 reserved
//   8 started    v nruns, nruns times { v samples, z start minus the start of the run before },
//   then
//                a row of kind 1, 2 or 3: the start timestamps of its samples in their order (0 =
//                unknown)
//
// Token, against the value before:
//   bit 0 = 0   v of (zigzag(integer difference) << 1): both values are integers, |x| < 2^53
//   bit 0 = 1   u8: bits 1-3 trailing zero bytes, bits 4-6 byte count - 1, bit 7 = 0; then the
//               other bytes of the XOR of the IEEE bits, little endian
//   0x81, v k   k >= 1 entries of the layout have no sample in this row (timeline rows only); they
//               keep their value before. So a row may cover a part of its layout, as when a
//               sender shards one owner over several requests.
//
// The value before is 0.0 at the start: of a series in its owner's layout (a layout row with bit 0
// forgets all values and the owner's t; one without keeps the values of the ids that stay). In a
// sparse row it is that of the sample before it in the same row when that has the same id, else
// 0.0: sparse rows are complete in themselves. So an epoch replays alone, and owners replay
// independently of each other. Rows of an owner that has no layout yet in the epoch (rows were
// lost) are reported as such until a layout starts it anew.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/codec/presence.h"
#include "storage/model/histogram.h"
#include "storage/model/metadata.h"
#include "storage/model/sample.h"

namespace tocsin::storage {

// The most series a layout may have (a reader refuses more): larger owners need sparse rows.
inline constexpr size_t kMaxLayoutSeries = size_t{1} << 22;

// On disk: values may not change.
enum class LogRowKind : uint8_t {
  kTimeline = 1,
  kSparse = 2,
  kHistogram = 3,
  kLayout = 4,
  kOwner = 5,
  kTombstone = 6,
  kExtra = 7,
  kStarted = 8,  // not told by the decoder: the row inside is
};

struct SparseSample {
  SeriesRef series;
  Timestamp t;
  double value = 0;
  Timestamp start = kNoStart;  // not in the sparse row itself
};

struct TombstoneRow {
  uint64_t number = 0;
  Timestamp from, to;
  uint64_t bound_seal_seq = 0;
  std::vector<SeriesRef> series;  // ascending
  bool operator==(const TombstoneRow&) const = default;
};

struct MetadataRow {
  std::string metric;
  Metadata metadata;
  bool operator==(const MetadataRow&) const = default;
};

// An owner's layout and last values within one epoch. Made by LogRowEncoder; keep it with the
// owner and pass it back. One thread at a time.
class OwnerLogState {
 public:
  bool has_layout() const { return !ids_.empty(); }
  const std::vector<SeriesRef>& layout() const { return ids_; }
  // Forgets everything: call when an epoch starts.
  void Clear();

 private:
  friend class LogRowEncoder;
  friend class LogRowDecoder;
  void SetLayout(bool anew, std::span<const SeriesRef> ids);

  std::vector<SeriesRef> ids_;
  std::vector<double> last_;
  Timestamp t_;
};

// Writes rows; every method appends one row to `row`. Stateless but for the owner's state: any
// thread, one per owner. No allocation per sample.
class LogRowEncoder {
 public:
  // The order of the owner's series from here on. `anew` must be set for the first layout of an
  // owner in an epoch, and may be set to make the next row full. REQUIRES: 1 to
  // kMaxLayoutSeries ids.
  static void Layout(uint64_t owner, OwnerLogState& state, bool anew,
                     std::span<const SeriesRef> ids, std::string& row);
  // values[i] at `t` for series i of the layout. REQUIRES: as many values as the layout has ids.
  static void Timeline(uint64_t owner, OwnerLogState& state, Timestamp t,
                       std::span<const double> values, std::string& row);
  // The same for a part of the layout: `positions` (ascending indexes into the layout) have
  // values, the others no sample. REQUIRES: same sizes, not empty.
  static void Timeline(uint64_t owner, OwnerLogState& state, Timestamp t,
                       std::span<const uint32_t> positions, std::span<const double> values,
                       std::string& row);
  // Any series, any times; best sorted by series, then time.
  static void Sparse(std::span<const SparseSample> samples, std::string& row);
  // REQUIRES: IsEncodable(histogram).
  static void HistogramSample(SeriesRef series, Timestamp t, const Histogram& histogram,
                              std::string& row);
  static void Owner(uint64_t owner, std::span<const uint64_t> groups, std::string& row);
  static void Tombstone(const TombstoneRow& tombstone, std::string& row);
  static void MetadataOf(const MetadataRow& metadata, std::string& row);

  // The beginning of a row whose samples have start timestamps: one of Timeline, Sparse or
  // HistogramSample must follow in the same `row`. `starts`: one a sample.
  static void Starts(std::span<const Timestamp> starts, std::string& row);
};

// What one row says. Views: valid until the decoder decodes again.
struct LogRow {
  LogRowKind kind = LogRowKind::kTimeline;
  uint64_t owner = 0;                 // timeline, layout, owner
  Timestamp t;                        // timeline, histogram
  bool anew = false;                  // layout
  bool skipped = false;               // timeline, layout: the owner's state is unknown (lost rows)
  std::span<const SeriesRef> series;  // timeline: of the samples; layout: the new layout
  std::span<const double> values;     // timeline: as many as series
  std::span<const SparseSample> sparse;  // sparse
  SeriesRef histogram_series;            // histogram; its time is t
  const Histogram* histogram = nullptr;  // histogram
  std::span<const uint64_t> groups;      // owner
  TombstoneRow tombstone;
  MetadataRow metadata;
  std::span<const Timestamp> starts;  // timeline, sparse (by place), histogram; or empty
};

// Replays one epoch: feed it all rows in order of log_seq. One thread.
class LogRowDecoder {
 public:
  LogRowDecoder();
  ~LogRowDecoder();

  // kCorruption: the row is malformed (its owner's later rows are then skipped until it starts
  // anew). kUnsupported: a kind or version this program does not know.
  Status Decode(std::string_view row, LogRow* out);

  // Rows are missing here: owners are skipped until their layout starts anew.
  void Hole();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::storage
