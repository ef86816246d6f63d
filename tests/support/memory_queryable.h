// A Queryable that holds its samples in a map: for tests of whatever asks questions.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/model/histogram.h"
#include "storage/queryable.h"

namespace tocsin::testing {

// Not thread-safe while samples are added. Blocks are small, so that readers meet block edges.
class MemoryQueryable final : public storage::Queryable {
 public:
  explicit MemoryQueryable(size_t block_samples = 5) : block_samples_(block_samples) {}

  void Add(const Labels& labels, int64_t t_ms, double v) { series_[labels][t_ms] = {v, nullptr}; }
  void Add(const Labels& labels, int64_t t_ms, const Histogram& h) {
    series_[labels][t_ms] = {h.count, std::make_shared<Histogram>(h)};
  }
  // Of the sample at `t_ms`, which is there.
  void SetStart(const Labels& labels, int64_t t_ms, int64_t start_ms) {
    series_[labels][t_ms].start = Timestamp{start_ms};
  }
  void Clear() { series_.clear(); }
  // Blocks say which shape their values have, and which is the last.
  void TellShapes() { shapes_ = true; }
  // Calls f(previous, current) with each histogram and the sample before it (null when that is none
  // or a float), to set what a store derives on its way in.
  template <typename F>
  void ChangeHistograms(F&& f) {
    for (auto& [labels, points] : series_) {
      const Histogram* previous = nullptr;
      for (auto& [t, point] : points) {
        if (point.h != nullptr) f(previous, *point.h);
        previous = point.h.get();
      }
    }
  }

  Result<std::unique_ptr<storage::SeriesSet>> Select(
      std::span<const Matcher> matchers, Timestamp from, Timestamp to,
      const storage::SelectHints& hints) const override {
    {
      std::lock_guard lock(mutex_);
      last_hints_ = hints;
      ++selects_;
    }
    auto set = std::make_unique<Set>();
    set->block_samples = block_samples_;
    set->shapes = shapes_;
    for (const auto& [labels, points] : series_) {
      if (!MatchesAll(matchers, labels)) continue;
      auto first = points.lower_bound(from.ms), last = points.upper_bound(to.ms);
      if (from > to || first == last) continue;
      auto& series = set->series.emplace_back();
      series.labels = labels;
      for (; first != last; ++first) {
        series.times.push_back(Timestamp{first->first});
        series.values.push_back(first->second.v);
        series.histograms.push_back(first->second.h.get());
        series.starts.push_back(first->second.start);
      }
    }
    return std::unique_ptr<storage::SeriesSet>(std::move(set));
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, Timestamp,
                                              Timestamp) const override {
    std::set<std::string> names;
    for (const auto& [labels, points] : series_) {
      if (!MatchesAll(matchers, labels)) continue;
      for (const Label& label : labels) names.emplace(label.name);
    }
    return std::vector<std::string>(names.begin(), names.end());
  }
  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               std::span<const Matcher> matchers, Timestamp,
                                               Timestamp) const override {
    std::set<std::string> values;
    for (const auto& [labels, points] : series_) {
      if (MatchesAll(matchers, labels) && labels.Has(name)) values.emplace(labels.Get(name));
    }
    return std::vector<std::string>(values.begin(), values.end());
  }
  std::vector<std::pair<std::string, Metadata>> MetricMetadata(const std::string&) const override {
    return {};
  }

  // Of the latest Select, and how many there were.
  const storage::SelectHints& last_hints() const { return last_hints_; }
  int selects() const { return selects_; }

 private:
  struct Point {
    double v = 0;
    std::shared_ptr<Histogram> h;
    Timestamp start = kNoStart;
  };

  struct Series {
    Labels labels;
    std::vector<Timestamp> times;
    std::vector<double> values;
    std::vector<const Histogram*> histograms;
    std::vector<Timestamp> starts;
  };

  struct Set final : storage::SeriesSet {
    size_t size() const override { return series.size(); }
    const Labels& labels(size_t i) const override { return series[i].labels; }
    std::unique_ptr<storage::SampleReader> NewReader() const override {
      return std::make_unique<Reader>(*this);
    }
    std::vector<Series> series;
    size_t block_samples = 0;
    bool shapes = false;
  };

  static ValueShape ShapeOf(std::span<const double> v) {
    const auto same = [&](double x) {
      return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(v[0]);
    };
    if (std::all_of(v.begin(), v.end(), same)) return ValueShape::kConstant;
    const bool odd = std::any_of(v.begin(), v.end(), [](double x) {
      return !std::isfinite(x) || (x == 0 && std::signbit(x));
    });
    if (odd) return ValueShape::kAny;
    return std::is_sorted(v.begin(), v.end()) ? ValueShape::kAscending : ValueShape::kNumbers;
  }

  struct Reader final : storage::SampleReader {
    explicit Reader(const Set& s) : set(s) {}
    Status Seek(size_t index) override {
      series = &set.series[index];
      next = 0;
      return OkStatus();
    }
    Result<bool> Next(storage::SampleBlock* block) override {
      const size_t n = std::min(set.block_samples, series->times.size() - next);
      if (n == 0) return false;
      block->times = std::span(series->times).subspan(next, n);
      block->values = std::span(series->values).subspan(next, n);
      const auto histograms = std::span(series->histograms).subspan(next, n);
      const bool any = std::any_of(histograms.begin(), histograms.end(),
                                   [](const Histogram* h) { return h != nullptr; });
      block->histograms = any ? histograms : std::span<const Histogram* const>();
      const auto starts = std::span(series->starts).subspan(next, n);
      const bool started = std::any_of(starts.begin(), starts.end(),
                                       [](Timestamp start) { return start != kNoStart; });
      block->starts = started ? starts : std::span<const Timestamp>();
      next += n;
      if (set.shapes) {
        block->shape = ShapeOf(block->values);
        block->last = next == series->times.size();
      }
      return true;
    }
    const Set& set;
    const Series* series = nullptr;
    size_t next = 0;
  };

  const size_t block_samples_;
  bool shapes_ = false;
  std::map<Labels, std::map<int64_t, Point>> series_;
  mutable std::mutex mutex_;  // of what Select notes: readers may be many
  mutable storage::SelectHints last_hints_;
  mutable int selects_ = 0;
};

}  // namespace tocsin::testing
