#include "query/selector.h"

#include <algorithm>
#include <limits>

namespace tocsin::query {
namespace {

int64_t SaturatingSub(int64_t a, int64_t b) {
  int64_t r;
  if (!__builtin_sub_overflow(a, b, &r)) return r;
  return b > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

bool PinsMetricName(const VectorSelector& selector) {
  return std::any_of(selector.matchers.begin(), selector.matchers.end(), [](const Matcher& m) {
    return m.name() == kMetricName && m.op() == MatchOp::kEqual;
  });
}

bool Distinct(const QueryContext& context, const VectorSelector& selector) {
  return PinsMetricName(selector) && !context.features.type_and_unit_labels;
}

// The series of one selector, opened once, read one after the other.
class SeriesScan {
 public:
  static Result<SeriesScan> Open(QueryContext& context, const VectorSelector& selector,
                                 int64_t from_ms, int64_t to_ms, storage::SelectHints hints) {
    TOCSIN_RETURN_IF_ERROR(context.limits.CheckNow());
    hints.step = Duration{context.step_ms};
    hints.canceled = context.limits.canceled();
    TOCSIN_ASSIGN(auto set, context.queryable.Select(selector.matchers, Timestamp{from_ms},
                                                     Timestamp{to_ms}, hints));
    for (const std::string& text : set->warnings()) context.annotations.Warn(text, selector.pos);
    return SeriesScan(context, std::move(set));
  }

  // Moves to the next series; false after the last.
  Result<bool> NextSeries() {
    if (next_ == set_->size()) return false;
    TOCSIN_RETURN_IF_ERROR(context_->limits.Check());
    TOCSIN_RETURN_IF_ERROR(reader_->Seek(next_));
    ++next_;
    return true;
  }
  const Labels& labels() const { return set_->labels(next_ - 1); }

  Result<bool> NextBlock(storage::SampleBlock* block) {
    TOCSIN_ASSIGN(bool more, reader_->Next(block));
    if (more) context_->limits.CountRead(block->size());
    return more;
  }

 private:
  SeriesScan(QueryContext& context, std::unique_ptr<storage::SeriesSet> set)
      : context_(&context), set_(std::move(set)), reader_(set_->NewReader()) {}

  QueryContext* context_;
  std::unique_ptr<storage::SeriesSet> set_;
  std::unique_ptr<storage::SampleReader> reader_;
  size_t next_ = 0;
};

// Turns the samples of one series, fed in time order, into the values of the steps.
class StepFiller {
 public:
  StepFiller(const ReferenceTimes& references, int64_t lookback_ms, SelectorOutput output, Row* row)
      : references_(references), lookback_ms_(lookback_ms), output_(output), row_(*row) {}

  void Feed(const storage::SampleBlock& block) {
    for (size_t k = 0; k < block.size() && step_ < row_.v.size(); ++k) {
      const int64_t t = block.times[k].ms;
      while (step_ < row_.v.size() && references_.at(step_) < t) Emit();
      time_ = t;
      value_ = block.values[k];
      raw_ = block.histograms.empty() ? nullptr : block.histograms[k];
      shared_.reset();
      any_ = true;
    }
    if (raw_ != nullptr && !shared_) Share();  // the block goes away
  }
  void Finish() {
    if (!any_) return;
    while (step_ < row_.v.size()) Emit();
  }
  bool done() const { return step_ == row_.v.size(); }

 private:
  void Share() {
    shared_ = std::make_shared<Histogram>(*raw_);
    stale_ = IsStale(raw_->sum);
  }
  void Emit() {
    const size_t i = step_++;
    if (!any_ || time_ <= references_.at(i) - lookback_ms_) return;
    if (raw_ != nullptr) {
      if (!shared_) Share();
      if (stale_) return;
      if (output_ == SelectorOutput::kValue) return row_.SetHistogram(i, shared_);
    } else if (IsStale(value_)) {
      return;
    }
    row_.v[i] = output_ == SelectorOutput::kValue ? value_ : static_cast<double>(time_) / 1000.0;
  }

  const ReferenceTimes references_;
  const int64_t lookback_ms_;
  const SelectorOutput output_;
  Row& row_;
  size_t step_ = 0;
  bool any_ = false;
  int64_t time_ = 0;
  double value_ = 0;
  const Histogram* raw_ = nullptr;
  HistogramPtr shared_;  // copy of *raw_, made at most once
  bool stale_ = false;
};

class InstantStream final : public RowStream {
 public:
  InstantStream(SeriesScan scan, const ReferenceTimes& references, int64_t lookback_ms,
                size_t steps, SelectorOutput output, bool distinct)
      : scan_(std::move(scan)),
        references_(references),
        lookback_ms_(lookback_ms),
        steps_(steps),
        output_(output),
        distinct_(distinct) {}

  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, scan_.NextSeries());
    if (!more) return false;
    row->Clear(steps_);
    row->drop_name = false;
    row->labels = scan_.labels();
    StepFiller filler(references_, lookback_ms_, output_, row);
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
  const size_t steps_;
  const SelectorOutput output_;
  const bool distinct_;
};

class RangeStream final : public SampleStream {
 public:
  RangeStream(QueryContext& context, SeriesScan scan, bool distinct)
      : context_(context), scan_(std::move(scan)), distinct_(distinct) {}

  Result<bool> Next(SampleSeries* series) override {
    context_.limits.Release(held_);
    held_ = 0;
    TOCSIN_ASSIGN(bool more, scan_.NextSeries());
    if (!more) return false;
    series->Clear();
    series->drop_name = false;
    series->labels = scan_.labels();
    storage::SampleBlock block;
    while (true) {
      TOCSIN_ASSIGN(bool filled, scan_.NextBlock(&block));
      if (!filled) return true;
      held_ += block.size();
      TOCSIN_RETURN_IF_ERROR(context_.limits.Hold(block.size()));
      Append(block, series);
    }
  }
  bool distinct_without_name() const override { return distinct_; }

 private:
  static void Append(const storage::SampleBlock& block, SampleSeries* series) {
    if (block.histograms.empty()) return AppendFloats(block, series);
    for (size_t k = 0; k < block.size(); ++k) {
      const Histogram* h = block.histograms[k];
      if (h == nullptr) {
        if (IsStale(block.values[k])) continue;
        series->t.push_back(block.times[k].ms);
        series->v.push_back(block.values[k]);
      } else if (!IsStale(h->sum)) {
        series->ht.push_back(block.times[k].ms);
        series->h.push_back(std::make_shared<Histogram>(*h));
      }
    }
  }
  // Copies all, leaving out staleness markers: writes each sample and keeps it or not.
  static void AppendFloats(const storage::SampleBlock& block, SampleSeries* series) {
    const size_t n = block.size();
    size_t at = series->t.size();
    series->t.resize(at + n);
    series->v.resize(at + n);
    for (size_t k = 0; k < n; ++k) {
      series->t[at] = block.times[k].ms;
      series->v[at] = block.values[k];
      at += IsStale(block.values[k]) ? 0 : 1;
    }
    series->t.resize(at);
    series->v.resize(at);
  }

  QueryContext& context_;
  SeriesScan scan_;
  const bool distinct_;
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
  references.first_ms = SaturatingSub(references.first_ms, time.offset.value.count());
  return references;
}

Result<RowStreamPtr> SelectInstant(QueryContext& context, const VectorSelector& selector,
                                   const StepGrid& grid, SelectorOutput output,
                                   const std::string& function) {
  const ReferenceTimes references = ReferencesOf(context, selector.time, grid);
  storage::SelectHints hints;
  hints.function = function;
  // Left-open: a sample exactly one lookback old is not seen.
  const int64_t from = SaturatingSub(references.first_ms, context.lookback_ms - 1);
  TOCSIN_ASSIGN(auto scan, SeriesScan::Open(context, selector, from, references.at(grid.count - 1),
                                            std::move(hints)));
  return RowStreamPtr(std::make_unique<InstantStream>(std::move(scan), references,
                                                      context.lookback_ms, grid.count, output,
                                                      Distinct(context, selector)));
}

Result<RangeInput> SelectRange(QueryContext& context, const MatrixSelector& matrix,
                               const StepGrid& grid, const std::string& function) {
  const VectorSelector& selector = *matrix.selector;
  const ReferenceTimes references = ReferencesOf(context, selector.time, grid);
  const int64_t range = matrix.range.value.count();
  storage::SelectHints hints;
  hints.range = matrix.range.value;
  hints.function = function;
  const int64_t from = SaturatingSub(references.first_ms, range - 1);
  TOCSIN_ASSIGN(auto scan, SeriesScan::Open(context, selector, from, references.at(grid.count - 1),
                                            std::move(hints)));
  RangeInput input;
  input.stream =
      std::make_unique<RangeStream>(context, std::move(scan), Distinct(context, selector));
  input.windows = {references.first_ms, references.step_ms, range, grid.count};
  return input;
}

}  // namespace tocsin::query
