// The store's own metrics, under Prometheus' names where they mean the same.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "storage/base/metrics.h"
#include "storage/base/time.h"
#include "storage/task_gate.h"

namespace tocsin::storage {

// What is asked at each scrape.
struct MetricSources {
  std::function<double()> series, series_created, series_removed, streams, samples, late_samples;
  std::function<double()> min_time_ms, max_time_ms, lowest_ms;
  std::function<double()> files, file_bytes, log_bytes, symbol_bytes;
  std::function<double()> retention_seconds, retention_bytes;
  std::function<double()> file_bytes_written;
  std::function<double()> raw_bytes, five_minute_bytes, one_hour_bytes;  // on disk
  std::function<double()> exemplars, exemplar_series, exemplars_appended, exemplars_max;
  std::function<double()> oldest_exemplar_seconds;
  std::function<double()> opened_bytes, opened_hits, opened_misses;  // of group_cache.h
};

// Registers them; takes them away when it goes.
class StorageMetrics {
 public:
  StorageMetrics(MetricRegistry& registry, const TaskGate& gate, MetricSources sources);
  ~StorageMetrics();
  StorageMetrics(const StorageMetrics&) = delete;
  StorageMetrics& operator=(const StorageMetrics&) = delete;

 private:
  enum class Kind { kCounter, kGauge };
  void Add(const TaskGate& gate, Kind kind, const std::string& name, const std::string& help,
           std::function<double()> value, MetricLabels labels = {});

  MetricRegistry& registry_;
  std::vector<std::pair<std::string, MetricLabels>> added_;
};

}  // namespace tocsin::storage
