// Reads on what the database acknowledged: for whoever sends it somewhere else and must not miss a
// sample, however late it came and however long the other side was away.
//
// A position stands between what was read and what was not. In front of it everything is read in
// the order of acknowledgement, from the log. Where the log is gone already (it is bounded) the
// sealed files that hold its rows are read first, day by day, series by series; then samples may
// come twice: a file that was merged meanwhile is read again as a whole, and of a file the part
// that was read from the log before. Nothing is left out but what retention or a deletion took.
// docs/decisions/0006-forward-position.md has the why.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

namespace tocsin::storage {

struct TailLimits {
  // A call stops at about this many samples (never inside a series of a file).
  size_t samples = 16'384;
  // Samples older than what was read of their series before are left out and counted: for
  // receivers that refuse them.
  bool in_order = false;
};

// Samples of one series, in the order of their arrival.
struct TailSeries {
  Labels labels;
  bool late = false;  // older than what was read of the series before, as far as is known
  std::vector<Timestamp> times;
  std::vector<double> values;  // bit by bit: staleness markers and NaN payloads
  std::vector<std::pair<Timestamp, std::shared_ptr<const Histogram>>> histograms;
};

// Samples that were gone before they were read: retention was faster, or a file is damaged.
struct TailGap {
  Timestamp from, to;
  uint64_t samples = 0;  // 0: not known
  std::string reason;
};

struct TailBatch {
  std::vector<TailSeries> series;  // each once; late samples apart
  size_t samples = 0;              // of all series, histograms among them
  uint64_t left_out = 0;           // for in_order
  std::vector<TailGap> gaps;
  // Behind this batch: bytes of a format of their own, with a version.
  std::string position;
  // There is more to read now.
  bool more = false;
};

// One thread at a time. Holds no read view between calls. Blocks on the disk.
class Tail {
 public:
  virtual ~Tail() = default;
  // What comes next; empty without `more`: nothing new. After an error the tail is of no use any
  // more: another has to be opened at the last position that is known to be done with.
  virtual Result<TailBatch> Read(const TailLimits& limits) = 0;
  // Everything in front of the position of a batch is done with. Until then the log is kept as long
  // as half of its budget allows.
  virtual void Release(const std::string& position) = 0;
};

// Thread-safe.
class TailSource {
 public:
  virtual ~TailSource() = default;
  // Behind everything that is acknowledged now.
  virtual std::string TailEnd() const = 0;
  // In front of everything that is kept.
  virtual std::string TailBegin() const = 0;
  // The newest sample acknowledged; kMinTimestamp: none.
  virtual Timestamp TailNewest() const = 0;
  // kCorruption, kUnsupported: what is wrong with the position. REQUIRES: goes before the source.
  virtual Result<std::unique_ptr<Tail>> OpenTail(const std::string& position) = 0;
};

}  // namespace tocsin::storage
