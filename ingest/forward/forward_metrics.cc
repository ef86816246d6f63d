#include "ingest/forward/forward_metrics.h"

#include <fmt/format.h>

#include "ingest/forward/sender.h"
#include "storage/config/url.h"

namespace tocsin::ingest {
namespace {

MetricLabels LabelsOf(const ForwardConfig& config) {
  return {{"remote_name", config.name}, {"url", WithoutUrlPassword(config.url)}};
}

SampleCounters Counters(MetricRegistry& r, const ForwardConfig& c, const char* suffix,
                        const char* what) {
  const auto get = [&](const char* kind) {
    return r.GetCounter(fmt::format("prometheus_remote_storage_{}{}_total", kind, suffix),
                        fmt::format("Total number of {} {}.", kind, what), LabelsOf(c));
  };
  return {get("samples"), get("histograms")};
}

Counter Dropped(MetricRegistry& r, const ForwardConfig& c, const char* reason) {
  MetricLabels labels = LabelsOf(c);
  labels["reason"] = reason;
  return r.GetCounter("prometheus_remote_storage_samples_dropped_total",
                      "Samples read from the store and not sent.", labels);
}

}  // namespace

ForwardMetrics::ForwardMetrics(MetricRegistry& r, const ForwardConfig& c)
    : sent(Counters(r, c, "", "sent to remote storage")),
      failed(Counters(r, c, "_failed",
                      "which failed on send to remote storage, non-recoverable errors")),
      retried(
          Counters(r, c, "_retried", "which failed on send to remote storage but were retried")),
      dropped_relabelled(Dropped(r, c, "dropped_series")),
      dropped_old(Dropped(r, c, "too_old")),
      dropped_histograms(Dropped(r, c, "native_histograms_off")),
      dropped_custom_buckets(Dropped(r, c, "nhcb_in_remote_write_v1_not_supported")),
      dropped_out_of_order(Dropped(r, c, "out_of_order")),
      gaps(r.GetCounter("tocsin_remote_storage_gaps_total",
                        "Stretches of time whose samples left the store before they were sent.",
                        LabelsOf(c))),
      bytes(r.GetCounter("prometheus_remote_storage_bytes_total",
                         "Bytes of data sent by queue, after compression.", LabelsOf(c))),
      metadata(r.GetCounter("prometheus_remote_storage_metadata_total",
                            "Metadata entries sent to remote storage.", LabelsOf(c))),
      metadata_failed(r.GetCounter("prometheus_remote_storage_metadata_failed_total",
                                   "Metadata entries which failed on send to remote storage.",
                                   LabelsOf(c))),
      batch_seconds(r.GetHistogram(
          "prometheus_remote_storage_sent_batch_duration_seconds",
          "Duration of send calls to the remote storage.",
          {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300},
          LabelsOf(c))),
      pending(r.GetGauge("prometheus_remote_storage_samples_pending",
                         "Samples read and not yet answered for.", LabelsOf(c))),
      highest_sent(r.GetGauge("prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                              "Timestamp of the newest sample that the endpoint has taken.",
                              LabelsOf(c))),
      highest_in(r.GetGauge("prometheus_remote_storage_highest_timestamp_in_seconds",
                            "Timestamp of the newest sample that is to be sent.")),
      shards(r.GetGauge("prometheus_remote_storage_shards",
                        "Requests that may be under way side by side now.", LabelsOf(c))) {
  const auto constant = [&](const char* name, const char* help, double value) {
    r.GetGauge(name, help, LabelsOf(c)).Set(value);
  };
  constant("prometheus_remote_storage_shards_max", "The most shards this endpoint uses.",
           static_cast<double>(ShardsOf(c)));
  constant("prometheus_remote_storage_shards_min", "The fewest shards this endpoint uses.", 1);
  constant("prometheus_remote_storage_max_samples_per_send",
           "The maximum number of samples to be sent in a single request.",
           static_cast<double>(c.max_samples_per_send));
}

}  // namespace tocsin::ingest
