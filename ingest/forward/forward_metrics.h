// Counters of one endpoint; names are Prometheus' where the meaning is.
#pragma once

#include "ingest/forward/forward_config.h"
#include "ingest/forward/piece.h"
#include "storage/base/metrics.h"

namespace tocsin::ingest {

// Floats and histograms are counted apart.
struct SampleCounters {
  Counter samples, histograms;
  void Add(const Piece& piece) const {
    if (piece.samples > 0) samples.Add(static_cast<double>(piece.samples));
    if (piece.histograms > 0) histograms.Add(static_cast<double>(piece.histograms));
  }
};

struct ForwardMetrics {
  ForwardMetrics(MetricRegistry& registry, const ForwardConfig& config);
  void SetNewest(Timestamp t) const {
    if (t != kMinTimestamp) highest_in.Set(t.seconds());
  }

  SampleCounters sent, failed, retried;
  // Read from the store and not sent, by reason.
  Counter dropped_relabelled, dropped_old, dropped_histograms, dropped_custom_buckets,
      dropped_out_of_order;
  Counter gaps;
  Counter bytes, metadata, metadata_failed;
  HistogramMetric batch_seconds;
  Gauge pending, highest_sent;
  Gauge highest_in;  // of all endpoints: the newest sample acknowledged
  Gauge shards;
};

}  // namespace tocsin::ingest
