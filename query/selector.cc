#include "query/selector.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>

#include "query/histogram/arithmetic.h"
#include "query/levels.h"
#include "query/parallel_stream.h"

namespace tocsin::query {
namespace {

// Far beyond any sample, and far enough from the ends of int64 for sums with ranges.
constexpr int64_t kTimeLimit = int64_t{1} << 60;

int64_t SaturatingSub(int64_t a, int64_t b) {
  int64_t r;
  if (!__builtin_sub_overflow(a, b, &r)) return r;
  return b > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

// Steps from which on a row takes long enough to look at the limits before each.
constexpr size_t kLongRow = 1 << 16;

bool PinsMetricName(const VectorSelector& selector) {
  return std::any_of(selector.matchers.begin(), selector.matchers.end(), [](const Matcher& m) {
    return m.name() == kMetricName && m.op() == MatchOp::kEqual;
  });
}

bool Distinct(const QueryContext& context, const VectorSelector& selector) {
  return PinsMetricName(selector) && !context.features.type_and_unit_labels;
}

using SeriesSetPtr = std::shared_ptr<const storage::SeriesSet>;

Result<SeriesSetPtr> OpenSeries(QueryContext& context, const VectorSelector& selector,
                                int64_t from_ms, int64_t to_ms, Duration range,
                                const SelectOptions& options, Duration coarsest) {
  TOCSIN_RETURN_IF_ERROR(context.limits.CheckNow());
  storage::SelectHints hints;
  hints.range = range;
  hints.function = options.function;
  hints.step = Duration{context.step_ms};
  hints.levels = options.levels && context.max_source_resolution_ms > 0;
  hints.max_source_resolution = coarsest;
  hints.canceled = context.limits.canceled();
  TOCSIN_ASSIGN(auto set, context.queryable.Select(selector.matchers, Timestamp{from_ms},
                                                   Timestamp{to_ms}, hints));
  for (const std::string& text : set->warnings()) context.annotations.Warn(text, selector.pos);
  for (const std::string& text : set->infos()) context.annotations.Info(text, selector.pos);
  return SeriesSetPtr(std::move(set));
}

// Series [begin, end) of a set, one after the other.
class SeriesScan {
 public:
  SeriesScan(QueryContext& context, SeriesSetPtr set, size_t begin, size_t end)
      : context_(&context),
        set_(std::move(set)),
        reader_(set_->NewReader()),
        next_(begin),
        end_(end) {}

  // Moves to the next series; false after the last.
  Result<bool> NextSeries() {
    if (next_ == end_) return false;
    TOCSIN_RETURN_IF_ERROR(context_->limits.Check());
    TOCSIN_RETURN_IF_ERROR(reader_->Seek(next_));
    ++next_;
    return true;
  }
  Status CheckNow() const { return context_->limits.CheckNow(); }
  void CopyLabels(Labels* out) const { set_->CopyLabels(next_ - 1, out); }

  Result<bool> NextBlock(storage::SampleBlock* block) {
    TOCSIN_ASSIGN(bool more, reader_->Next(block));
    if (more) context_->limits.CountRead(block->size() + block->cells.size());
    return more;
  }
  std::vector<storage::LevelRegion> levels() const { return set_->levels(); }

 private:
  QueryContext* context_;
  SeriesSetPtr set_;
  std::unique_ptr<storage::SampleReader> reader_;
  size_t next_;
  const size_t end_;
};

// Histograms of one series as samples: copied, for queries that ask for counts only without their
// buckets and with explicit reset hints.
class HistogramSource {
 public:
  explicit HistogramSource(bool counts_only) : counts_only_(counts_only) {}

  void NewSeries() { previous_ = {}; }
  // Once per histogram, in time order. Null for staleness markers.
  HistogramPtr Take(const Histogram& h) {
    if (IsStale(h.sum)) return nullptr;
    if (!counts_only_) return std::make_shared<const Histogram>(h);
    auto counts = std::make_shared<Histogram>();
    counts->schema = h.schema;
    counts->count = h.count;
    counts->sum = h.sum;
    counts->reset_hint = h.reset_hint;
    if (previous_ && h.reset_hint == CounterResetHint::kUnknown) {
      counts->reset_hint =
          DetectReset(h, *previous_) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
    }
    previous_ = h;
    return counts;
  }
  // Whether every histogram has to be taken, not only those that are used.
  bool needs_all() const { return counts_only_; }

 private:
  const bool counts_only_;
  std::optional<Histogram> previous_;
};

// Turns the samples of one series, fed in time order, into the values of the steps.
class StepFiller {
 public:
  StepFiller(const StepGrid& grid, const ReferenceTimes& references, const LevelEdges& edges,
             int64_t lookback_ms, SelectorOutput output, HistogramSource& histograms, Row* row)
      : grid_(grid),
        references_(references),
        edges_(edges),
        lookback_ms_(lookback_ms),
        output_(output),
        histograms_(histograms),
        row_(*row) {}

  void Feed(const storage::SampleBlock& block) {
    for (const storage::LevelCell& cell : block.cells) FeedCell(cell);
    for (size_t k = 0; k < block.size() && step_ < row_.v.size(); ++k) {
      const int64_t t = block.times[k].ms;
      while (step_ < row_.v.size() && Reference(step_) < t) Emit();
      time_ = t;
      value_ = block.values[k];
      start_ = block.starts.empty() ? 0 : block.starts[k].ms;
      raw_ = block.histograms.empty() ? nullptr : block.histograms[k];
      taken_ = false;
      any_ = true;
      if (raw_ != nullptr && histograms_.needs_all()) Take();
    }
    if (raw_ != nullptr) Take();  // the block goes away
  }
  void Finish() {
    while (any_ && step_ < row_.v.size()) Emit();
    if (grid_.counts != nullptr && !grid_.counts->each()) grid_.Count(0, counted_);
  }
  bool done() const { return step_ == row_.v.size(); }

 private:
  // The step's time, on the grid of the level where one stands for samples.
  int64_t Reference(size_t i) const {
    return edges_.empty() ? references_.at(i) : edges_.Move(references_.at(i));
  }
  // A level that is asked off its grid may be behind by a window, and its newest sample by another.
  int64_t Lookback(size_t i) const {
    if (edges_.empty()) return lookback_ms_;
    const int64_t resolution = edges_.ResolutionAt(references_.at(i));
    if (resolution == 0 || references_.at(i) % resolution == 0) return lookback_ms_;
    return std::max(lookback_ms_, 2 * resolution);
  }
  void FeedCell(const storage::LevelCell& cell) {
    while (step_ < row_.v.size() && Reference(step_) < cell.end.ms) Emit();
    time_ = cell.count == 0 || cell.ended ? cell.end.ms : cell.last_time.ms;
    value_ = cell.ended ? StaleMarker() : cell.last;
    raw_ = nullptr;
    taken_ = false;
    any_ = true;
  }
  // A sample that the step before had as well is read once.
  void Count(size_t i, uint64_t size) {
    const SampleCount n{size, time_ == counted_time_ ? 0 : size};
    counted_time_ = time_;
    counted_.queryable += n.queryable;
    counted_.read += n.read;
    if (grid_.counts != nullptr && grid_.counts->each()) grid_.Count(i, n);
  }
  void Take() {
    if (!taken_) shared_ = histograms_.Take(*raw_);
    taken_ = true;
  }
  void Emit() {
    const size_t i = step_++;
    if (!any_ || time_ <= references_.at(i) - Lookback(i)) return;
    if (raw_ != nullptr) {
      Take();
      if (shared_ == nullptr) return;  // stale
      Count(i, SizeOf(*shared_));
      if (output_ == SelectorOutput::kValue) return row_.SetHistogram(i, shared_);
    } else if (IsStale(value_)) {
      return;
    }
    Count(i, 1);
    if (output_ == SelectorOutput::kValue)
      row_.v[i] = value_;
    else
      row_.v[i] = static_cast<double>(output_ == SelectorOutput::kStartTime ? start_ : time_) / 1e3;
  }

  const StepGrid& grid_;
  const ReferenceTimes references_;
  const LevelEdges& edges_;
  const int64_t lookback_ms_;
  const SelectorOutput output_;
  HistogramSource& histograms_;
  Row& row_;
  size_t step_ = 0;
  SampleCount counted_;
  int64_t counted_time_ = std::numeric_limits<int64_t>::min();
  bool any_ = false;
  int64_t time_ = 0;
  double value_ = 0;
  int64_t start_ = 0;
  const Histogram* raw_ = nullptr;  // once taken only its presence counts
  bool taken_ = false;
  HistogramPtr shared_;
};

class InstantStream final : public RowStream {
 public:
  InstantStream(SeriesScan scan, const ReferenceTimes& references, int64_t lookback_ms,
                const StepGrid& grid, const SelectOptions& options, bool distinct)
      : scan_(std::move(scan)),
        references_(references),
        lookback_ms_(lookback_ms),
        grid_(grid),
        output_(options.output),
        histograms_(options.counts_only),
        distinct_(distinct),
        edges_(scan_.levels()) {}

  Result<bool> Next(Row* row) override {
    if (grid_.count > kLongRow) TOCSIN_RETURN_IF_ERROR(scan_.CheckNow());
    TOCSIN_ASSIGN(bool more, scan_.NextSeries());
    if (!more) return false;
    row->Clear(grid_.count);
    row->drop_name = false;
    scan_.CopyLabels(&row->labels);
    histograms_.NewSeries();
    StepFiller filler(grid_, references_, edges_, lookback_ms_, output_, histograms_, row);
    storage::SampleBlock block;
    while (!filler.done()) {
      TOCSIN_ASSIGN(bool filled, scan_.NextBlock(&block));
      if (!filled) break;
      filler.Feed(block);
    }
    filler.Finish();
    return true;
  }
  bool distinct_without_name() const override { return distinct_; }

 private:
  SeriesScan scan_;
  const ReferenceTimes references_;
  const int64_t lookback_ms_;
  const StepGrid grid_;
  const SelectorOutput output_;
  HistogramSource histograms_;
  const bool distinct_;
  const LevelEdges edges_;
};

class RangeStream final : public SampleStream {
 public:
  RangeStream(QueryContext& context, SeriesScan scan, bool counts_only, bool distinct)
      : context_(context),
        scan_(std::move(scan)),
        histograms_(counts_only),
        distinct_(distinct),
        levels_(scan_.levels()) {}

  const std::vector<storage::LevelRegion>& levels() const { return levels_; }

  Result<bool> Next(SampleSeries* series) override {
    context_.limits.Release(held_);
    held_ = 0;
    TOCSIN_ASSIGN(bool more, scan_.NextSeries());
    if (!more) return false;
    series->Clear();
    series->drop_name = false;
    scan_.CopyLabels(&series->labels);
    histograms_.NewSeries();
    storage::SampleBlock block;
    while (true) {
      TOCSIN_ASSIGN(bool filled, scan_.NextBlock(&block));
      if (!filled) break;
      // A cell is as large as six samples.
      const uint64_t size = block.size() + 6 * block.cells.size();
      held_ += size;
      TOCSIN_RETURN_IF_ERROR(context_.limits.Hold(size));
      if (!levels_.empty()) {
        AppendCells(block, series);
        continue;
      }
      if (block.last && block.histograms.empty() && series->own_t.empty() && series->hst.empty() &&
          !ShowsStarts(block) && !AnyStale(block)) {
        series->t = Milliseconds(block.times);
        series->v = block.values;
        series->shape = block.shape;
        return true;
      }
      Append(block, series);
    }
    series->ShowOwn();
    if (!series->st.empty()) series->st.resize(series->t.size(), 0);
    if (!series->hst.empty()) series->hst.resize(series->ht.size(), 0);
    return true;
  }
  bool distinct_without_name() const override { return distinct_; }

 private:
  void Append(const storage::SampleBlock& block, SampleSeries* series) {
    if (ShowsStarts(block)) AppendStarts(block, series);
    if (block.histograms.empty()) return AppendFloats(block, series);
    for (size_t k = 0; k < block.size(); ++k) {
      const Histogram* h = block.histograms[k];
      if (h == nullptr) {
        if (IsStale(block.values[k])) continue;
        series->own_t.push_back(block.times[k].ms);
        series->own_v.push_back(block.values[k]);
      } else if (HistogramPtr taken = histograms_.Take(*h); taken != nullptr) {
        series->ht.push_back(block.times[k].ms);
        series->h.push_back(std::move(taken));
      }
    }
  }
  bool ShowsStarts(const storage::SampleBlock& block) const {
    return context_.features.use_start_timestamps && !block.starts.empty();
  }
  // Before the samples themselves.
  static void AppendStarts(const storage::SampleBlock& block, SampleSeries* series) {
    series->st.resize(series->own_t.size(), 0);
    series->hst.resize(series->ht.size(), 0);
    for (size_t k = 0; k < block.size(); ++k) {
      const Histogram* h = block.histograms.empty() ? nullptr : block.histograms[k];
      if (!IsStale(h == nullptr ? block.values[k] : h->sum))
        (h == nullptr ? series->st : series->hst).push_back(block.starts[k].ms);
    }
  }
  // Floats as cells, histograms with their weights.
  void AppendCells(const storage::SampleBlock& block, SampleSeries* series) {
    for (const storage::LevelCell& cell : block.cells)
      if (cell.count > 0) series->cells.push_back(cell);
    for (size_t k = 0; k < block.size(); ++k) {
      const Histogram* h = block.histograms.empty() ? nullptr : block.histograms[k];
      if (h == nullptr) {
        if (!IsStale(block.values[k]))
          series->cells.push_back(storage::CellOf(block.times[k], block.values[k]));
      } else if (HistogramPtr taken = histograms_.Take(*h); taken != nullptr) {
        series->ht.push_back(block.times[k].ms);
        series->h.push_back(std::move(taken));
        series->weights.push_back(block.weights.empty() ? 1 : block.weights[k]);
      }
    }
  }
  // Copies all, leaving out staleness markers: writes each sample and keeps it or not.
  static void AppendFloats(const storage::SampleBlock& block, SampleSeries* series) {
    const size_t n = block.size();
    size_t at = series->own_t.size();
    series->own_t.resize(at + n);
    series->own_v.resize(at + n);
    for (size_t k = 0; k < n; ++k) {
      series->own_t[at] = block.times[k].ms;
      series->own_v[at] = block.values[k];
      at += IsStale(block.values[k]) ? 0 : 1;
    }
    series->own_t.resize(at);
    series->own_v.resize(at);
  }
  static bool AnyStale(const storage::SampleBlock& block) {
    if (block.shape == ValueShape::kAscending || block.shape == ValueShape::kNumbers) return false;
    if (block.shape == ValueShape::kConstant) return IsStale(block.values.front());
    bool any = false;
    for (const double v : block.values) any |= IsStale(v);
    return any;
  }
  static std::span<const int64_t> Milliseconds(std::span<const Timestamp> times) {
    static_assert(sizeof(Timestamp) == sizeof(int64_t) && std::is_standard_layout_v<Timestamp>);
    return {reinterpret_cast<const int64_t*>(times.data()), times.size()};
  }

  QueryContext& context_;
  SeriesScan scan_;
  HistogramSource histograms_;
  const bool distinct_;
  const std::vector<storage::LevelRegion> levels_;
  uint64_t held_ = 0;
};

}  // namespace

ReferenceTimes ReferencesOf(const QueryContext& context, const TimeModifiers& time,
                            const StepGrid& grid) {
  ReferenceTimes references{grid.start_ms, grid.step_ms};
  if (time.at || time.at_bound != AtBound::kNone) {
    references.step_ms = 0;
    references.first_ms = time.at                            ? time.at->ms
                          : time.at_bound == AtBound::kStart ? context.start_ms
                                                             : context.end_ms;
  }
  references.first_ms = std::clamp(SaturatingSub(references.first_ms, time.offset.value.count()),
                                   -kTimeLimit, kTimeLimit);
  return references;
}

Result<RowStreamPtr> SelectInstant(QueryContext& context, const VectorSelector& selector,
                                   const StepGrid& grid, const SelectOptions& options) {
  const ReferenceTimes references = ReferencesOf(context, selector.time, grid);
  // Left-open: a sample exactly one lookback old is not seen, but may be the one before a reset.
  const int64_t from =
      SaturatingSub(references.first_ms, context.lookback_ms - (options.counts_only ? 0 : 1));
  SelectOptions with_levels = options;
  with_levels.levels = true;
  const Duration coarsest =
      CoarsestLevel(context, references.first_ms, references.step_ms, grid.count, 0);
  TOCSIN_ASSIGN(SeriesSetPtr set, OpenSeries(context, selector, from, references.at(grid.count - 1),
                                             Duration{0}, with_levels, coarsest));
  const bool distinct = Distinct(context, selector);
  const size_t series = set->size();
  return MakeParallel(context, series, grid.count, distinct,
                      [set = std::move(set), references, grid, options, distinct](
                          QueryContext& own, size_t begin, size_t end) {
                        return RowStreamPtr(std::make_unique<InstantStream>(
                            SeriesScan(own, set, begin, end), references, own.lookback_ms, grid,
                            options, distinct));
                      });
}

namespace {

Result<SamplesOfSeries> OpenSamples(QueryContext& context, const VectorSelector& selector,
                                    const ReferenceTimes& references, size_t steps,
                                    int64_t reach_ms, int64_t ahead_ms,
                                    const SelectOptions& options,
                                    std::vector<storage::LevelRegion>* levels) {
  const int64_t from = SaturatingSub(references.first_ms, reach_ms - (options.counts_only ? 0 : 1));
  const int64_t to = references.at(steps - 1) + ahead_ms;
  const Duration coarsest = options.levels ? CoarsestLevel(context, references.first_ms,
                                                           references.step_ms, steps, reach_ms)
                                           : Duration{0};
  TOCSIN_ASSIGN(SeriesSetPtr set,
                OpenSeries(context, selector, from, to, Duration{reach_ms}, options, coarsest));
  if (levels != nullptr) *levels = set->levels();
  SamplesOfSeries samples;
  samples.count = set->size();
  samples.distinct_without_name = Distinct(context, selector);
  samples.open = [set = std::move(set), counts_only = options.counts_only,
                  distinct = samples.distinct_without_name](QueryContext& own, size_t begin,
                                                            size_t end) {
    return SampleStreamPtr(std::make_unique<RangeStream>(own, SeriesScan(own, set, begin, end),
                                                         counts_only, distinct));
  };
  return samples;
}

}  // namespace

Result<SampleStreamPtr> SelectSamples(QueryContext& context, const VectorSelector& selector,
                                      const ReferenceTimes& references, size_t steps,
                                      int64_t reach_ms, int64_t ahead_ms,
                                      const SelectOptions& options) {
  TOCSIN_ASSIGN(auto samples, OpenSamples(context, selector, references, steps, reach_ms, ahead_ms,
                                          options, nullptr));
  return samples.open(context, 0, samples.count);
}

Result<RangeInput> SelectRange(QueryContext& context, const MatrixSelector& matrix,
                               const StepGrid& grid, const SelectOptions& options) {
  const VectorSelector& selector = *matrix.selector;
  const ReferenceTimes references = ReferencesOf(context, selector.time, grid);
  const int64_t range = matrix.range.value.count();
  RangeInput input;
  input.windows = {references.first_ms, references.step_ms, range, grid.count};
  if (selector.anchored) input.mode = RangeMode::kAnchored;
  if (selector.smoothed) input.mode = RangeMode::kSmoothed;
  const int64_t around = input.mode == RangeMode::kPlain ? 0 : context.lookback_ms;
  SelectOptions by_mode = options;
  by_mode.levels = options.levels && input.mode == RangeMode::kPlain;
  TOCSIN_ASSIGN(
      input.samples,
      OpenSamples(context, selector, references, grid.count, range + around,
                  input.mode == RangeMode::kSmoothed ? around : 0, by_mode, &input.levels));
  return input;
}

}  // namespace tocsin::query
