#include "ingest/scrape/metrics.h"

namespace tocsin::ingest {

ScrapeMetrics::ScrapeMetrics(MetricRegistry& r)
    : pools(r.GetCounter("prometheus_target_scrape_pools_total",
                         "Total number of scrape pool creation attempts.")),
      pool_syncs(r.GetCounter("prometheus_target_scrape_pool_sync_total",
                              "Total number of syncs that were executed on a scrape pool.")),
      sync_failures(r.GetCounter("prometheus_target_sync_failed_total",
                                 "Total number of target sync failures.")),
      discovery_updates(r.GetCounter("prometheus_sd_updates_total",
                                     "Total number of update events sent to the SD consumers.",
                                     {{"name", "scrape"}})),
      exceeded_sample_limit(
          r.GetCounter("prometheus_target_scrapes_exceeded_sample_limit_total",
                       "Total number of scrapes that hit the sample limit and were rejected.")),
      exceeded_body_limit(r.GetCounter("prometheus_target_scrapes_exceeded_body_size_limit_total",
                                       "Total number of scrapes that hit the body size limit.")),
      exceeded_target_limit(
          r.GetCounter("prometheus_target_scrape_pool_exceeded_target_limit_total",
                       "Total number of times scrape pools hit the target limit.")),
      exceeded_label_limits(
          r.GetCounter("prometheus_target_scrape_pool_exceeded_label_limits_total",
                       "Total number of times scrape pools hit the label limits.")),
      duplicates(r.GetCounter(
          "prometheus_target_scrapes_sample_duplicate_timestamp_total",
          "Total number of samples rejected due to duplicate timestamps but different values.")),
      out_of_order(
          r.GetCounter("prometheus_target_scrapes_sample_out_of_order_total",
                       "Total number of samples rejected due to not being out of the expected "
                       "order.")),
      out_of_bounds(
          r.GetCounter("prometheus_target_scrapes_sample_out_of_bounds_total",
                       "Total number of samples rejected due to timestamp falling outside of the "
                       "time bounds.")),
      skipped(r.GetCounter("tocsin_target_scrapes_skipped_total",
                           "Scrapes left out because the one before was still under way.")),
      refused_series(r.GetCounter("tocsin_target_scrapes_series_refused_total",
                                  "Samples dropped because the store takes no more series.")),
      exemplars_refused(r.GetCounter("prometheus_target_scrapes_exemplar_out_of_order_total",
                                     "Exemplars refused: older than the newest of their series, "
                                     "too far ahead, or with too long labels.")),
      metadata_refused(r.GetCounter("tocsin_target_scrapes_metadata_refused_total",
                                    "TYPE, HELP and UNIT lines that were not kept: their target "
                                    "has too many.")),
      store_failures(r.GetCounter("tocsin_target_scrapes_store_failures_total",
                                  "Scrapes whose samples the store refused as a whole.")),
      sync_seconds(r.GetHistogram("prometheus_target_sync_length_seconds",
                                  "Time it took to bring a scrape pool in step with discovery.",
                                  {0.001, 0.01, 0.1, 1, 10})) {
  // A discovery that cannot start is refused with the configuration: none fails later.
  r.GetGauge("prometheus_sd_failed_configs",
             "Current number of service discovery configurations that failed to load.",
             {{"name", "scrape"}})
      .Set(0);
}

}  // namespace tocsin::ingest
