#include "query/metrics.h"

namespace tocsin::query {

Metrics::Metrics(MetricRegistry& registry, int max_concurrency)
    : running(registry.GetGauge("prometheus_engine_queries",
                                "The current number of queries being executed or waiting.")),
      samples(registry.GetCounter("prometheus_engine_query_samples_total",
                                  "The total number of samples loaded by all queries.")),
      duration(registry.GetHistogram("prometheus_engine_query_duration_histogram_seconds",
                                     "Time a query took from its text to its value.",
                                     {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100})) {
  registry
      .GetGauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.")
      .Set(max_concurrency);
}

}  // namespace tocsin::query
