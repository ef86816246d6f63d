// Counters of scraping. Names are Prometheus'.
#pragma once

#include "storage/base/metrics.h"

namespace tocsin::ingest {

struct ScrapeMetrics {
  explicit ScrapeMetrics(MetricRegistry& registry);

  Counter pools, pool_syncs, sync_failures, discovery_updates;
  Counter exceeded_sample_limit, exceeded_body_limit, exceeded_target_limit, exceeded_label_limits;
  Counter duplicates, out_of_order, out_of_bounds;
  Counter skipped, refused_series, exemplars_refused, metadata_refused, store_failures;
  HistogramMetric sync_seconds;
};

}  // namespace tocsin::ingest
