#include "storage/tail_collector.h"

#include <algorithm>

namespace tocsin::storage {

void TailCollector::Begin(const TailLimits& limits, TailBatch* batch) {
  limits_ = limits;
  batch_ = batch;
  in_batch_.clear();
}

Timestamp& TailCollector::LastOf(SeriesRef series) {
  const uint64_t group = GroupOf(series.id);
  if (group != group_ || group_last_ == nullptr) {
    auto& of_group = last_[group];
    if (of_group == nullptr) of_group = std::make_unique<LastOfGroup>();
    group_ = group;
    group_last_ = of_group.get();
    group_last_->age = age_;
  }
  return group_last_->times[SlotOf(series.id)];
}

bool TailCollector::Note(SeriesRef series, Timestamp t) {
  Timestamp& last = LastOf(series);
  if (t < last) {
    if (!limits_.in_order) return true;
    ++batch_->left_out;
    return false;
  }
  // The same again is not news, and another value at one time was refused by the store.
  if (t == last) return false;
  last = t;
  newest_ = std::max(newest_, t);
  return true;
}

void TailCollector::Pass(SeriesRef series, Timestamp t) {
  Timestamp& last = LastOf(series);
  last = std::max(last, t);
}

TailSeries* TailCollector::SeriesFor(SeriesRef series) {
  const auto [it, fresh] = in_batch_.try_emplace(series.id, batch_->series.size());
  if (!fresh) return &batch_->series[it->second];
  const Series* known = index_.Get(series);
  if (known == nullptr) {
    in_batch_.erase(it);
    return nullptr;
  }
  TailSeries& out = batch_->series.emplace_back();
  out.labels = index_.LabelsOf(*known);
  return &out;
}

void TailCollector::Take(SeriesRef series, Timestamp t, double value) {
  if (!Note(series, t)) return;
  TailSeries* out = SeriesFor(series);
  if (out == nullptr) return;
  out->times.push_back(t);
  out->values.push_back(value);
  ++batch_->samples;
}

void TailCollector::Take(SeriesRef series, Timestamp t, std::shared_ptr<const Histogram> value) {
  if (!Note(series, t)) return;
  TailSeries* out = SeriesFor(series);
  if (out == nullptr) return;
  out->histograms.emplace_back(t, std::move(value));
  ++batch_->samples;
}

void TailCollector::Age() {
  ++age_;
  group_last_ = nullptr;
  absl::erase_if(last_, [this](const auto& entry) { return entry.second->age + 2 < age_; });
}

}  // namespace tocsin::storage
