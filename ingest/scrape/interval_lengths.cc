#include "ingest/scrape/interval_lengths.h"

#include "storage/model/duration.h"

namespace tocsin::ingest {
namespace {

constexpr char kName[] = "prometheus_target_interval_length_seconds";

MetricLabels LabelsOf(Duration interval) { return {{"interval", FormatDuration(interval)}}; }

}  // namespace

IntervalLengths::~IntervalLengths() {
  for (const auto& [interval, summary] : by_interval_) registry_.Remove(kName, LabelsOf(interval));
}

void IntervalLengths::Observe(Duration configured, double seconds) {
  SummaryMetric summary;
  {
    std::lock_guard lock(mutex_);
    const auto [it, fresh] = by_interval_.try_emplace(configured);
    if (fresh) {
      it->second = registry_.GetSummary(kName, "Actual intervals between scrapes.",
                                        {0.01, 0.05, 0.5, 0.9, 0.99}, LabelsOf(configured));
    }
    summary = it->second;
  }
  summary.Observe(seconds);
}

}  // namespace tocsin::ingest
