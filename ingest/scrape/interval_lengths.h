// How long the intervals between scrapes really were, as the quantiles dashboards ask for.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "storage/base/metrics.h"
#include "storage/base/time.h"

namespace tocsin::ingest {

// Thread-safe. The quantiles are those of the latest observations.
class IntervalLengths {
 public:
  // REQUIRES: the registry outlives it.
  explicit IntervalLengths(MetricRegistry& registry) : registry_(registry) {}
  ~IntervalLengths();

  void Observe(Duration configured, double seconds);

 private:
  struct Recent;

  MetricRegistry& registry_;
  std::mutex mutex_;
  std::map<int64_t, std::shared_ptr<Recent>> by_interval_;
};

}  // namespace tocsin::ingest
