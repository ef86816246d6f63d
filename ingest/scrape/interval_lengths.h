// How long the intervals between scrapes really were, as the quantiles dashboards ask for.
#pragma once

#include <map>
#include <mutex>

#include "storage/base/metrics.h"
#include "storage/base/time.h"

namespace tocsin::ingest {

// Thread-safe.
class IntervalLengths {
 public:
  // REQUIRES: the registry outlives it.
  explicit IntervalLengths(MetricRegistry& registry) : registry_(registry) {}
  ~IntervalLengths();

  void Observe(Duration configured, double seconds);

 private:
  MetricRegistry& registry_;
  std::mutex mutex_;
  std::map<Duration, SummaryMetric> by_interval_;
};

}  // namespace tocsin::ingest
