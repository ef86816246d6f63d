#include "storage/appender.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "storage/base/log.h"
#include "storage/codec/histogram_codec.h"
#include "storage/key_schema.h"

namespace tocsin::storage {
namespace {

// Longer rows are logged sample by sample; the format bounds layouts at four times this.
constexpr size_t kMaxLayout = 1u << 20;

class BatchAppender final : public Appender {
 public:
  explicit BatchAppender(const AppenderDeps& deps) : deps_(deps) {
    batch_.generation = deps.index.generation();
  }

  Result<SeriesRef> Resolve(const Labels& labels) override {
    Result<SeriesRef> ref = deps_.index.Resolve(labels, deps_.clock.Now());
    if (!ref.ok() && ref.error().code() == ErrorCode::kSeriesLimit)
      NoteRefused(labels, ref.error());
    return ref;
  }
  Result<SeriesRef> ResolveOwn(const Labels& labels) override {
    return deps_.index.Resolve(labels, deps_.clock.Now(), SeriesIndex::Quota::kExempt);
  }

  RowResult AppendRow(RowHint& hint, Timestamp t, std::span<const SeriesRef> refs,
                      std::span<const double> values, std::span<const Timestamp> starts) override;
  RowResult AppendColumn(SeriesRef ref, std::span<const Timestamp> ts,
                         std::span<const double> values,
                         std::span<const Timestamp> starts) override;

  Status AppendHistogram(SeriesRef ref, Timestamp t, const Histogram& value,
                         Timestamp start) override;
  Status AppendExemplar(SeriesRef ref, const Exemplar& exemplar) override {
    if (deps_.index.Get(ref) == nullptr)
      return Error(ErrorCode::kStaleRef, "the series is not known any more");
    if (!InBounds(exemplar.t)) return Error(ErrorCode::kOutOfBounds, "out of bounds");
    TOCSIN_RETURN_IF_ERROR(deps_.exemplars.Check(ref, exemplar));
    batch_.exemplars.emplace_back(ref, exemplar);
    return OkStatus();
  }

  void SetMetadata(std::string_view metric, const Metadata& metadata) override {
    if (deps_.metadata.Differs(metric, metadata))
      batch_.metadata.push_back({std::string(metric), metadata});
  }

  void Commit(CommitDone done) override {
    batch_.done = std::move(done);
    deps_.queue.Push(std::move(batch_));
  }

 private:
  // Counts each, logs one a minute.
  void NoteRefused(const Labels& labels, const Error& error) {
    deps_.refused_series.Add();
    const int64_t now = deps_.clock.Monotonic().since_start.count();
    int64_t last = deps_.refused_logged_ns.load(std::memory_order_relaxed);
    if (last != 0 && now - last < std::chrono::nanoseconds(std::chrono::minutes(1)).count()) return;
    if (!deps_.refused_logged_ns.compare_exchange_strong(last, now)) return;
    log::Warn("new series are refused", {{"err", error.message()},
                                         {"metric", labels.name()},
                                         {"job", labels.Get(kJobLabel)},
                                         {"largest_metric", deps_.index.Largest(kMetricName)},
                                         {"largest_job", deps_.index.Largest(kJobLabel)}});
  }
  bool InBounds(Timestamp t) {
    // One look at the clock an appender: rows of one batch come at one time.
    if (newest_ == kMinTimestamp) {
      newest_ = std::min(deps_.clock.Now() + kMaxAhead, kMaxStorable);
      oldest_ = std::max(deps_.edge(), kMinStorable);
    }
    return t >= oldest_ && t <= newest_;
  }
  void AddSparse(SeriesRef ref, Timestamp t, double value, Timestamp start) {
    auto& parts = batch_.parts;
    if (parts.empty() || parts.back().layout != nullptr || parts.back().histogram)
      parts.push_back({nullptr, {}, batch_.sparse.size(), 0, false});
    ++parts.back().count;
    batch_.sparse.push_back({ref, t, value, Storable(start)});
  }

  // A start that cannot be stored is one that nobody can mean.
  static Timestamp Storable(Timestamp start) { return IsStorableStart(start) ? start : kNoStart; }
  // Where the starts of a row begin in the batch.
  size_t AddStarts(std::span<const Timestamp> starts) {
    if (std::all_of(starts.begin(), starts.end(), [](Timestamp t) { return t == kNoStart; }))
      return CommitBatch::kNoStarts;
    const size_t at = batch_.starts.size();
    for (const Timestamp start : starts) batch_.starts.push_back(Storable(start));
    return at;
  }

  const AppenderDeps& deps_;
  CommitBatch batch_;
  Timestamp oldest_ = kMaxTimestamp;
  Timestamp newest_ = kMinTimestamp;
};

RowResult BatchAppender::AppendRow(RowHint& hint, Timestamp t, std::span<const SeriesRef> refs,
                                   std::span<const double> values,
                                   std::span<const Timestamp> starts) {
  RowResult result;
  if (refs.empty()) return result;
  const auto count = static_cast<uint32_t>(refs.size());
  if (!InBounds(t)) {
    deps_.out_of_bounds.Add(count);
    result.out_of_bounds = count;
    return result;
  }
  std::shared_ptr<const RowLayout> layout = deps_.layouts.Find(hint, refs, batch_.generation);
  if (layout == nullptr) {
    for (const SeriesRef ref : refs) result.stale_refs += deps_.index.Writable(ref) == nullptr;
    if (hint.token == 0)
      hint.token = deps_.layouts.NewToken();
    else if (result.stale_refs == 0 && refs.size() <= kMaxLayout)
      layout = deps_.layouts.Make(hint, refs, batch_.generation);
  }
  result.appended = count - result.stale_refs;
  if (layout != nullptr) {
    batch_.parts.push_back(
        {std::move(layout), t, batch_.values.size(), refs.size(), false, AddStarts(starts)});
    batch_.values.insert(batch_.values.end(), values.begin(), values.end());
    return result;
  }
  for (size_t i = 0; i < refs.size(); ++i)
    if (result.stale_refs == 0 || deps_.index.Writable(refs[i]) != nullptr)
      AddSparse(refs[i], t, values[i], starts.empty() ? kNoStart : starts[i]);
  return result;
}

RowResult BatchAppender::AppendColumn(SeriesRef ref, std::span<const Timestamp> ts,
                                      std::span<const double> values,
                                      std::span<const Timestamp> starts) {
  RowResult result;
  if (deps_.index.Writable(ref) == nullptr) {
    result.stale_refs = static_cast<uint32_t>(ts.size());
    return result;
  }
  for (size_t i = 0; i < ts.size(); ++i) {
    if (!InBounds(ts[i])) {
      ++result.out_of_bounds;
      continue;
    }
    AddSparse(ref, ts[i], values[i], starts.empty() ? kNoStart : starts[i]);
    ++result.appended;
  }
  if (result.out_of_bounds > 0) deps_.out_of_bounds.Add(result.out_of_bounds);
  return result;
}

Status BatchAppender::AppendHistogram(SeriesRef ref, Timestamp t, const Histogram& value,
                                      Timestamp start) {
  if (deps_.index.Writable(ref) == nullptr)
    return Error(ErrorCode::kStaleRef, "the series is not known any more");
  if (!InBounds(t)) {
    deps_.out_of_bounds.Add();
    return Error(ErrorCode::kOutOfBounds, "out of bounds");
  }
  if (!IsEncodable(value))
    return InvalidArgument("the buckets of the histogram do not fit its spans, or are too many");
  batch_.parts.push_back({nullptr, t, batch_.histograms.size(), 1, true});
  batch_.histograms.push_back(
      {ref, {t, std::make_shared<const Histogram>(value), Storable(start)}});
  return OkStatus();
}

}  // namespace

std::unique_ptr<Appender> MakeAppender(const AppenderDeps& deps) {
  return std::make_unique<BatchAppender>(deps);
}

}  // namespace tocsin::storage
