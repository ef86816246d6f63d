// An Appendable that keeps what it is given in a map: for tests of whatever writes samples.
#pragma once

#include <atomic>
#include <bit>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/appendable.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::testing {

// Thread-safe. Takes what the real store takes: the first value at a timestamp stays, another one
// counts as a duplicate when the row is committed; bounds are checked when it is appended.
class MemoryAppendable final : public storage::Appendable {
 public:
  using Points = std::map<int64_t, double>;

  // Committed samples also go into `mirror` (not owned), so that queries see them.
  explicit MemoryAppendable(MemoryQueryable* mirror = nullptr) : mirror_(mirror) {}

  std::unique_ptr<storage::Appender> NewAppender() override {
    return std::make_unique<Appender>(*this);
  }

  // What the store holds of a series, written as Labels::ToString prints it.
  Points Samples(const std::string& series) const {
    std::lock_guard lock(mutex_);
    const auto it = by_name_.find(series);
    return it == by_name_.end() ? Points() : it->second;
  }
  // "t=v t=v ..." in milliseconds since `origin`; a staleness marker reads "stale".
  std::string Timeline(const std::string& series, Timestamp origin) const {
    std::string out;
    for (const auto& [t, v] : Samples(series)) {
      if (!out.empty()) out += ' ';
      out += std::to_string(t - origin.ms) + '=';
      if (IsStale(v)) {
        out += "stale";
      } else {
        AppendApiFloat(out, v);
      }
    }
    return out;
  }
  std::vector<std::string> SeriesNames() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [name, points] : by_name_) out.push_back(name);
    return out;
  }
  const std::map<std::string, Metadata>& metadata() const { return metadata_; }
  const std::vector<std::pair<std::string, Histogram>>& histograms() const { return histograms_; }

  // Start timestamps by sample time, both in ms; samples without one are left out.
  std::map<int64_t, int64_t> Starts(const std::string& series) const {
    std::lock_guard lock(mutex_);
    const auto it = starts_.find(series);
    return it == starts_.end() ? std::map<int64_t, int64_t>() : it->second;
  }
  const std::vector<std::pair<std::string, Exemplar>>& exemplars() const { return exemplars_; }

  int resolves() const { return resolves_; }
  int rows() const { return rows_; }
  int columns() const { return columns_; }
  int commits() const { return commits_; }

  // Samples outside are refused as out of bounds.
  void SetBounds(Timestamp from, Timestamp to) {
    from_ = from;
    to_ = to;
  }
  void SetSeriesLimit(size_t limit) { series_limit_ = limit; }
  // Series with more labels are refused as invalid.
  void SetLabelLimit(size_t limit) { label_limit_ = limit; }
  // Every commit fails with this until it is ok again.
  void FailCommits(Status status) { commit_status_ = std::move(status); }
  void RefuseHistograms() { histograms_refused_ = true; }
  // Refs given out so far are stale from now on.
  void ForgetRefs() {
    std::lock_guard lock(mutex_);
    refs_.clear();
    first_valid_ = next_ref_;
  }
  // Answers of commits wait until ReleaseCommits.
  void HoldCommits() { hold_ = true; }
  void ReleaseCommits() {
    hold_ = false;
    for (auto& answer : std::exchange(held_, {})) answer();
  }

 private:
  struct Pending {
    SeriesRef ref;
    Timestamp t;
    double v;
    Timestamp start;
  };

  class Appender final : public storage::Appender {
   public:
    explicit Appender(MemoryAppendable& store) : store_(store) {}

    Result<SeriesRef> Resolve(const Labels& labels) override {
      return Resolve(labels, store_.series_limit_);
    }
    Result<SeriesRef> ResolveOwn(const Labels& labels) override {
      return Resolve(labels, static_cast<size_t>(-1));
    }
    storage::RowResult AppendRow(storage::RowHint&, Timestamp t, std::span<const SeriesRef> refs,
                                 std::span<const double> values,
                                 std::span<const Timestamp> starts) override {
      ++store_.rows_;
      storage::RowResult result;
      for (size_t i = 0; i < refs.size(); ++i)
        Add(refs[i], t, values[i], starts.empty() ? kNoStart : starts[i], &result);
      return result;
    }
    storage::RowResult AppendColumn(SeriesRef ref, std::span<const Timestamp> ts,
                                    std::span<const double> values,
                                    std::span<const Timestamp> starts) override {
      ++store_.columns_;
      storage::RowResult result;
      for (size_t i = 0; i < ts.size(); ++i)
        Add(ref, ts[i], values[i], starts.empty() ? kNoStart : starts[i], &result);
      return result;
    }
    Status AppendHistogram(SeriesRef ref, Timestamp t, const Histogram& value,
                           Timestamp start) override {
      if (store_.histograms_refused_) return Unsupported("native histograms are not available yet");
      histograms_.push_back({ref, t, value, start});
      return OkStatus();
    }
    Status AppendExemplar(SeriesRef ref, const Exemplar& exemplar) override {
      exemplars_.emplace_back(ref, exemplar);
      return OkStatus();
    }
    void SetMetadata(std::string_view metric, const Metadata& metadata) override {
      metadata_.emplace_back(metric, metadata);
    }

    void Commit(storage::CommitDone done) override {
      storage::CommitResult result;
      result.status = store_.commit_status_;
      if (result.status.ok()) result.rows = Apply();
      if (store_.hold_) {
        store_.held_.push_back([done = std::move(done), result] { done(result); });
      } else {
        done(result);
      }
    }

   private:
    struct PendingHistogram {
      SeriesRef ref;
      Timestamp t;
      Histogram value;
      Timestamp start;
    };

    Result<SeriesRef> Resolve(const Labels& labels, size_t limit) {
      std::lock_guard lock(store_.mutex_);
      ++store_.resolves_;
      const auto it = store_.refs_.find(labels);
      if (it != store_.refs_.end()) return it->second;
      if (labels.size() > store_.label_limit_)
        return Error(ErrorCode::kInvalidLabels, "a series has too many labels");
      if (store_.refs_.size() >= limit) return Error(ErrorCode::kSeriesLimit, "too many series");
      const SeriesRef ref{store_.next_ref_++};
      store_.refs_.emplace(labels, ref);
      store_.labels_.emplace(ref.id, labels);
      return ref;
    }

    void Add(SeriesRef ref, Timestamp t, double v, Timestamp start, storage::RowResult* result) {
      if (ref.id < store_.first_valid_) {
        ++result->stale_refs;
      } else if (t < store_.from_ || t > store_.to_) {
        ++result->out_of_bounds;
      } else {
        ++result->appended;
        samples_.push_back({ref, t, v, start});
      }
    }

    storage::RowResult Apply() {
      std::lock_guard lock(store_.mutex_);
      ++store_.commits_;
      storage::RowResult rows;
      for (const Pending& sample : samples_) {
        const Labels& labels = store_.labels_.at(sample.ref.id);
        const auto [it, fresh] =
            store_.by_name_[labels.ToString()].try_emplace(sample.t.ms, sample.v);
        if (fresh && store_.mirror_ != nullptr) store_.mirror_->Add(labels, sample.t.ms, sample.v);
        if (fresh && sample.start != kNoStart)
          store_.starts_[labels.ToString()][sample.t.ms] = sample.start.ms;
        if (!fresh && std::bit_cast<uint64_t>(it->second) != std::bit_cast<uint64_t>(sample.v))
          ++rows.duplicates;
      }
      for (const PendingHistogram& item : histograms_) {
        const Labels& labels = store_.labels_.at(item.ref.id);
        store_.histograms_.emplace_back(labels.ToString(), item.value);
        if (item.start != kNoStart) store_.starts_[labels.ToString()][item.t.ms] = item.start.ms;
        if (store_.mirror_ != nullptr) store_.mirror_->Add(labels, item.t.ms, item.value);
      }
      for (const auto& [ref, exemplar] : exemplars_)
        store_.exemplars_.emplace_back(store_.labels_.at(ref.id).ToString(), exemplar);
      for (const auto& [metric, metadata] : metadata_) store_.metadata_[metric] = metadata;
      return rows;
    }

    MemoryAppendable& store_;
    std::vector<Pending> samples_;
    std::vector<PendingHistogram> histograms_;
    std::vector<std::pair<SeriesRef, Exemplar>> exemplars_;
    std::vector<std::pair<std::string, Metadata>> metadata_;
  };

  mutable std::mutex mutex_;
  MemoryQueryable* const mirror_;
  std::map<Labels, SeriesRef> refs_;
  std::map<uint64_t, Labels> labels_;
  std::map<std::string, Points> by_name_;
  std::map<std::string, Metadata> metadata_;
  std::vector<std::pair<std::string, Histogram>> histograms_;
  std::map<std::string, std::map<int64_t, int64_t>> starts_;
  std::vector<std::pair<std::string, Exemplar>> exemplars_;
  uint64_t next_ref_ = 1, first_valid_ = 1;
  size_t series_limit_ = static_cast<size_t>(-1);
  size_t label_limit_ = static_cast<size_t>(-1);
  Timestamp from_ = kMinTimestamp, to_ = kMaxTimestamp;
  Status commit_status_;
  bool histograms_refused_ = false;
  bool hold_ = false;
  std::vector<std::function<void()>> held_;
  std::atomic<int> resolves_ = 0, rows_ = 0, columns_ = 0, commits_ = 0;
};

}  // namespace tocsin::testing
