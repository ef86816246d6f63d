// How samples get into the store: by the row (one timestamp, many series) or by the column (one
// series). No virtual call, lock or allocation per sample: labels become refs once per series.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "storage/base/result.h"
#include "storage/model/exemplar.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/metadata.h"
#include "storage/model/sample.h"

namespace tocsin::storage {

// What became of the samples of one call. Refused ones are counted by reason, the others stay.
struct RowResult {
  uint32_t appended = 0;
  uint32_t duplicates = 0;     // another value is stored at that time
  uint32_t out_of_bounds = 0;  // before the retention edge or more than 10 min ahead
  uint32_t stale_refs = 0;     // resolve again

  RowResult& operator+=(const RowResult& o) {
    appended += o.appended;
    duplicates += o.duplicates;
    out_of_bounds += o.out_of_bounds;
    stale_refs += o.stale_refs;
    return *this;
  }
  bool all_appended() const { return duplicates == 0 && out_of_bounds == 0 && stale_refs == 0; }
};

// Belongs to the caller, one per target or sender; lets storage skip work when the refs of a row
// are those of the row before. Default-constructed: no hint.
struct RowHint {
  uint64_t token = 0;
};

// What Commit reports: what was refused only when the rows met the store (duplicates against what
// is already there, bounds).
struct CommitResult {
  Status status;  // not ok: nothing is logged (kNoSpace: but may answer until a restart)
  RowResult rows;
  RowResult histograms;  // the same for native histograms
};
using CommitDone = std::function<void(const CommitResult&)>;

// One thread at a time per appender; any number may be open. An appender destroyed before Commit
// drops what it holds (series it resolved may remain, empty). Every timestamp from the retention
// edge to now + 10 min is welcome, in any order; staleness markers and NaN payloads are kept bit
// by bit.
class Appender {
 public:
  virtual ~Appender() = default;

  // The ref of a label set, made when new. kSeriesLimit, kInvalidLabels: nothing was made.
  virtual Result<SeriesRef> Resolve(const Labels& labels) = 0;
  // The same for the few series that say how the rest fares (`up` of a target): the series limit
  // does not refuse them. kInvalidLabels.
  virtual Result<SeriesRef> ResolveOwn(const Labels& labels) = 0;

  // Adds values[i] at `t` to refs[i]. `starts` are the start timestamps of the samples, or empty
  // when none is known. REQUIRES: as many values, and starts if any, as refs.
  virtual RowResult AppendRow(RowHint& hint, Timestamp t, std::span<const SeriesRef> refs,
                              std::span<const double> values,
                              std::span<const Timestamp> starts = {}) = 0;
  // Adds values[i] at ts[i] to one series; any order. REQUIRES: as many values, and starts if any,
  // as ts.
  virtual RowResult AppendColumn(SeriesRef ref, std::span<const Timestamp> ts,
                                 std::span<const double> values,
                                 std::span<const Timestamp> starts = {}) = 0;
  virtual Status AppendHistogram(SeriesRef ref, Timestamp t, const Histogram& value,
                                 Timestamp start = kNoStart) = 0;
  // kOutOfBounds: too far ahead, or older than the newest one of the series. kStaleRef,
  // kInvalidLabels (too long). One that is there already is taken and not kept twice; so is any
  // while exemplars are switched off.
  virtual Status AppendExemplar(SeriesRef ref, const Exemplar& exemplar) = 0;
  // Of the metric family `metric`; the newest wins.
  virtual void SetMetadata(std::string_view metric, const Metadata& metadata) = 0;

  // Logs all or nothing, makes it visible, then calls `done` (on a thread of the store, or before
  // Commit returns); from then on it survives kill -9, and a power cut after the sync interval.
  // REQUIRES: Commit was not called before.
  virtual void Commit(CommitDone done) = 0;
};

// Thread-safe.
class Appendable {
 public:
  virtual ~Appendable() = default;
  virtual std::unique_ptr<Appender> NewAppender() = 0;
};

}  // namespace tocsin::storage
