// What the engine tells about itself.
#pragma once

#include "storage/base/metrics.h"

namespace tocsin::query {

struct Metrics {
  Metrics(MetricRegistry& registry, int max_concurrency);

  Gauge running;             // prometheus_engine_queries
  Counter samples;           // prometheus_engine_query_samples_total
  HistogramMetric duration;  // prometheus_engine_query_duration_histogram_seconds
};

}  // namespace tocsin::query
