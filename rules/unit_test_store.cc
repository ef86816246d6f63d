#include "rules/unit_test_store.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tocsin::rules {
namespace {

// Copies what it found: a few samples of a few series.
class Found final : public storage::SeriesSet {
 public:
  struct Entry {
    Labels labels;
    UnitTestStore::Series samples;
    std::vector<const Histogram*> histograms;  // empty when all are floats
  };

  size_t size() const override { return entries.size(); }
  const Labels& labels(size_t index) const override { return entries[index].labels; }
  std::unique_ptr<storage::SampleReader> NewReader() const override;

  std::vector<Entry> entries;
};

class FoundReader final : public storage::SampleReader {
 public:
  explicit FoundReader(const Found& found) : found_(found) {}
  Status Seek(size_t index) override {
    entry_ = &found_.entries[index];
    next_ = 0;
    return OkStatus();
  }
  Result<bool> Next(storage::SampleBlock* block) override {
    const auto& samples = entry_->samples;
    const size_t n = std::min(storage::kMaxBlockSamples, samples.times.size() - next_);
    if (n == 0) return false;
    block->times = std::span(samples.times).subspan(next_, n);
    block->values = std::span(samples.values).subspan(next_, n);
    block->histograms = {};
    if (!entry_->histograms.empty()) {
      block->histograms = std::span(entry_->histograms).subspan(next_, n);
    }
    next_ += n;
    return true;
  }

 private:
  const Found& found_;
  const Found::Entry* entry_ = nullptr;
  size_t next_ = 0;
};

std::unique_ptr<storage::SampleReader> Found::NewReader() const {
  return std::make_unique<FoundReader>(*this);
}

template <typename V>
V Slice(const V& v, size_t first, size_t last) {
  return V(v.begin() + static_cast<ptrdiff_t>(first), v.begin() + static_cast<ptrdiff_t>(last));
}

}  // namespace

void UnitTestStore::Add(const Labels& labels, Timestamp t, double v,
                        query::HistogramPtr histogram) {
  Series& s = series_[labels];
  const auto at = std::lower_bound(s.times.begin(), s.times.end(), t);
  const auto i = at - s.times.begin();
  if (histogram) v = histogram->count;
  if (at != s.times.end() && *at == t) {
    s.values[static_cast<size_t>(i)] = v;
    s.histograms[static_cast<size_t>(i)] = std::move(histogram);
    return;
  }
  s.times.insert(at, t);
  s.values.insert(s.values.begin() + i, v);
  s.histograms.insert(s.histograms.begin() + i, std::move(histogram));
}

Result<std::unique_ptr<storage::SeriesSet>> UnitTestStore::Select(
    std::span<const Matcher> matchers, Timestamp from, Timestamp to,
    const storage::SelectHints& /*hints*/) const {
  auto found = std::make_unique<Found>();
  for (const auto& [labels, series] : series_) {
    if (!MatchesAll(matchers, labels)) continue;
    const auto begin = series.times.begin();
    const auto first =
        static_cast<size_t>(std::lower_bound(begin, series.times.end(), from) - begin);
    const auto last = static_cast<size_t>(std::upper_bound(begin, series.times.end(), to) - begin);
    if (first >= last) continue;
    Found::Entry& entry = found->entries.emplace_back();
    entry.labels = labels;
    entry.samples.times = Slice(series.times, first, last);
    entry.samples.values = Slice(series.values, first, last);
    entry.samples.histograms = Slice(series.histograms, first, last);
    const auto& histograms = entry.samples.histograms;
    if (std::any_of(histograms.begin(), histograms.end(),
                    [](const auto& h) { return h != nullptr; })) {
      for (const auto& h : histograms) entry.histograms.push_back(h.get());
    }
  }
  return std::unique_ptr<storage::SeriesSet>(std::move(found));
}

Result<std::vector<std::string>> UnitTestStore::LabelNames(std::span<const Matcher> matchers,
                                                           Timestamp, Timestamp) const {
  std::set<std::string> names;
  for (const auto& [labels, series] : series_) {
    if (!MatchesAll(matchers, labels)) continue;
    for (const Label& label : labels) names.emplace(label.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> UnitTestStore::LabelValues(const std::string& name,
                                                            std::span<const Matcher> matchers,
                                                            Timestamp, Timestamp) const {
  std::set<std::string> values;
  for (const auto& [labels, series] : series_) {
    if (MatchesAll(matchers, labels) && labels.Has(name)) values.emplace(labels.Get(name));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

std::vector<std::pair<std::string, Metadata>> UnitTestStore::MetricMetadata(
    const std::string& /*metric*/) const {
  return {};
}

}  // namespace tocsin::rules
