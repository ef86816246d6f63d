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

TailSeries* TailCollector::Place(SeriesRef series, Timestamp t) {
  Timestamp& last = LastOf(series);
  // The same again is not news, and another value at one time was refused by the store.
  if (t == last) return nullptr;
  const bool late = t < last;
  if (late && limits_.in_order) {
    ++batch_->left_out;
    return nullptr;
  }
  last = std::max(last, t);
  newest_ = std::max(newest_, t);
  const auto [it, fresh] = in_batch_.try_emplace({series.id, late}, batch_->series.size());
  if (!fresh) {
    ++batch_->samples;
    return &batch_->series[it->second];
  }
  auto labels = index_.FindLabels(series);
  if (!labels) {  // nobody knows its labels any more
    in_batch_.erase(it);
    return nullptr;
  }
  TailSeries& out = batch_->series.emplace_back();
  out.labels = *std::move(labels);
  out.late = late;
  ++batch_->samples;
  return &out;
}

void TailCollector::Pass(SeriesRef series, Timestamp t) {
  Timestamp& last = LastOf(series);
  last = std::max(last, t);
}

void TailCollector::Take(SeriesRef series, Timestamp t, double value) {
  TailSeries* out = Place(series, t);
  if (out == nullptr) return;
  out->times.push_back(t);
  out->values.push_back(value);
}

void TailCollector::Take(SeriesRef series, Timestamp t, std::shared_ptr<const Histogram> value) {
  TailSeries* out = Place(series, t);
  if (out != nullptr) out->histograms.emplace_back(t, std::move(value));
}

void TailCollector::Age() {
  ++age_;
  group_last_ = nullptr;
  absl::erase_if(last_, [this](const auto& entry) { return entry.second->age + 2 < age_; });
}

}  // namespace tocsin::storage
