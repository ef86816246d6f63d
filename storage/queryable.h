// How samples come out of the store: series picked by matchers, samples in decoded blocks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/exemplar.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/level_cell.h"
#include "storage/model/matcher.h"
#include "storage/model/metadata.h"
#include "storage/model/sample.h"

namespace tocsin::storage {

// At most this many samples a block, so that one lies in the L1/L2 cache.
inline constexpr size_t kMaxBlockSamples = 1024;

// Decoded samples of one series in time order, or cells of a level. Views: valid until the next
// call of the reader that gave them. `values` of a histogram sample is its count and histograms[i]
// is set; `histograms` is empty when the block has none. So is `starts`, the start timestamps
// (kNoStart where unknown).
struct SampleBlock {
  std::span<const Timestamp> times;
  std::span<const double> values;
  std::span<const Histogram* const> histograms;
  std::span<const Timestamp> starts;
  // Of `values`, as told by the header of what they were read from.
  ValueShape shape = ValueShape::kAny;
  // When not empty the block has cells instead of samples, ascending by end (two cells with one end
  // follow each other in time). Only when the select allowed levels.
  std::span<const LevelCell> cells;
  // Of histograms of a level, as many as times: how many samples of its window each stands for
  // (itself and those left out before it; a staleness marker: 0). Between two that follow each
  // other no counter reset was left out. Empty: each stands for itself.
  std::span<const uint32_t> weights;
  // The last block of its series, for sure: its views stay valid until the next Seek.
  bool last = false;

  size_t size() const { return times.size(); }
};

// Days [from, to) that a select reads from a level, for all of its series alike.
struct LevelRegion {
  Timestamp from, to;
  Duration resolution;
};

// One thread at a time; a query makes one per thread. Series asked for in ascending order of
// their index are cheapest (neighbours share segments).
class SampleReader {
 public:
  virtual ~SampleReader() = default;
  // Starts on series `index` of the set.
  virtual Status Seek(size_t index) = 0;
  // The next block in time order; false at the end. Blocks of one series do not overlap, have
  // ascending times, and hold exactly the samples within the asked range.
  virtual Result<bool> Next(SampleBlock* block) = 0;
};

// The series of one Select, in storage order. Holds a read view: nothing it names disappears
// while it lives. Const methods: any thread.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  virtual size_t size() const = 0;
  virtual const Labels& labels(size_t index) const = 0;
  // The same for those who look at each series once: nothing is kept behind.
  virtual void CopyLabels(size_t index, Labels* out) const { *out = labels(index); }
  virtual std::unique_ptr<SampleReader> NewReader() const = 0;
  // Damage that cost part of the answer ("segment ... is damaged"); shown as warnings.
  virtual std::vector<std::string> warnings() const { return {}; }
  // What is coarser than asked for, or not there, because raw samples have expired.
  virtual std::vector<std::string> infos() const { return {}; }
  // Where cells stand for the samples; ascending, disjoint. Readers then give the cells whose
  // window meets the asked range.
  virtual std::vector<LevelRegion> levels() const { return {}; }
};

struct SelectHints {
  Duration step{0};          // of the query; 0 for instant
  Duration range{0};         // of the selector; 0 for instant selectors
  std::string function;      // directly around the selector, or ""
  bool labels_only = false;  // no reader will be asked for
  // The caller understands cells: a day of which only levels are left is read from the finest one.
  // Otherwise nothing is there (and infos() says so).
  bool levels = false;
  // With `levels`: days whose level of at most this resolution is complete are read from it even
  // though their raw samples exist. 0: raw where it exists.
  Duration max_source_resolution{0};
  const std::atomic<bool>* canceled = nullptr;  // checked now and then; kCanceled when set
};

// Thread-safe.
class Queryable {
 public:
  virtual ~Queryable() = default;

  // Series that match all matchers and may have samples in [from, to], both inclusive.
  virtual Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers,
                                                    Timestamp from, Timestamp to,
                                                    const SelectHints& hints) const = 0;
  // Sorted; limited to series that match (no matchers: all) and may have samples in the range.
  virtual Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers,
                                                      Timestamp from, Timestamp to) const = 0;
  virtual Result<std::vector<std::string>> LabelValues(const std::string& name,
                                                       std::span<const Matcher> matchers,
                                                       Timestamp from, Timestamp to) const = 0;
  // Those of series that match one of the selectors, from the given time range; sorted by the
  // labels of the series.
  virtual Result<std::vector<SeriesExemplars>> Exemplars(
      std::span<const std::vector<Matcher>> /*selectors*/, Timestamp /*from*/,
      Timestamp /*to*/) const {
    return std::vector<SeriesExemplars>();
  }
  // Of one metric family, or of all when `metric` is empty; sorted by name.
  virtual std::vector<std::pair<std::string, Metadata>> MetricMetadata(
      const std::string& metric) const = 0;
};

}  // namespace tocsin::storage
