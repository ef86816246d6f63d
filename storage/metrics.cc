#include "storage/metrics.h"

#include <utility>

namespace tocsin::storage {
namespace {

std::function<double()> Seconds(const std::function<double()>& ms) {
  return [ms] { return ms() / 1000; };
}

}  // namespace

StorageMetrics::StorageMetrics(MetricRegistry& registry, const TaskGate& gate,
                               MetricSources sources)
    : registry_(registry) {
  const auto counter = [&](const char* name, const char* help, std::function<double()> value,
                           MetricLabels labels = {}) {
    Add(gate, Kind::kCounter, name, help, std::move(value), std::move(labels));
  };
  const auto gauge = [&](const char* name, const char* help, std::function<double()> value,
                         MetricLabels labels = {}) {
    Add(gate, Kind::kGauge, name, help, std::move(value), std::move(labels));
  };
  gauge("prometheus_tsdb_head_series", "Total number of series in the index.", sources.series);
  counter("prometheus_tsdb_head_series_created_total", "Total number of series created.",
          sources.series_created);
  counter("prometheus_tsdb_head_series_removed_total", "Total number of series removed.",
          sources.series_removed);
  gauge("prometheus_tsdb_head_chunks", "Total number of open value streams in the head.",
        sources.streams);
  counter("prometheus_tsdb_head_samples_appended_total", "Total number of appended samples.",
          sources.samples, {{"type", "float"}});
  counter("tocsin_storage_late_samples_total",
          "Samples that came behind newer ones of their timeline and were kept aside.",
          sources.late_samples);
  gauge("prometheus_tsdb_head_min_time", "Minimum time of the open data, in milliseconds.",
        sources.min_time_ms);
  gauge("prometheus_tsdb_head_min_time_seconds", "Minimum time of the open data.",
        Seconds(sources.min_time_ms));
  gauge("prometheus_tsdb_head_max_time", "Maximum timestamp of all data, in milliseconds.",
        sources.max_time_ms);
  gauge("prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of all data.",
        Seconds(sources.max_time_ms));
  gauge("prometheus_tsdb_lowest_timestamp", "Lowest timestamp of all data, in milliseconds.",
        sources.lowest_ms);
  gauge("prometheus_tsdb_lowest_timestamp_seconds", "Lowest timestamp of all data.",
        Seconds(sources.lowest_ms));
  gauge("prometheus_tsdb_blocks_loaded", "Number of sealed files.", sources.files);
  gauge("prometheus_tsdb_storage_blocks_bytes", "Bytes of the sealed files.", sources.file_bytes);
  gauge("prometheus_tsdb_wal_storage_size_bytes", "Bytes of the log on disk.", sources.log_bytes);
  gauge("prometheus_tsdb_symbol_table_size_bytes", "Bytes of the symbol table in memory.",
        sources.symbol_bytes);
  gauge("prometheus_tsdb_exemplar_exemplars_in_storage", "Exemplars that are kept.",
        sources.exemplars);
  gauge("prometheus_tsdb_exemplar_series_with_exemplars_in_storage", "Series with exemplars.",
        sources.exemplar_series);
  gauge("prometheus_tsdb_exemplar_max_exemplars", "How many exemplars are kept at most.",
        sources.exemplars_max);
  gauge("prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds",
        "The time of the oldest exemplar that is kept.", sources.oldest_exemplar_seconds);
  counter("prometheus_tsdb_exemplar_exemplars_appended_total", "Exemplars taken.",
          sources.exemplars_appended);
  gauge("prometheus_tsdb_retention_limit_seconds", "Retention by time; 0 = none.",
        sources.retention_seconds);
  counter("tocsin_storage_file_bytes_written_total",
          "Bytes of all sealed files, merges, day files and levels written since the start.",
          sources.file_bytes_written);
  const char* level_bytes = "Bytes on disk of sealed samples and of each level.";
  gauge("tocsin_storage_level_bytes", level_bytes, sources.raw_bytes, {{"level", "raw"}});
  gauge("tocsin_storage_level_bytes", level_bytes, sources.five_minute_bytes, {{"level", "5m"}});
  gauge("tocsin_storage_level_bytes", level_bytes, sources.one_hour_bytes, {{"level", "1h"}});
  gauge("tocsin_storage_opened_bytes", "Bytes of opened groups that are kept for the next query.",
        sources.opened_bytes);
  const char* opened = "Groups of sealed files that queries asked for.";
  counter("tocsin_storage_opened_lookups_total", opened, sources.opened_hits, {{"kept", "true"}});
  counter("tocsin_storage_opened_lookups_total", opened, sources.opened_misses,
          {{"kept", "false"}});
  gauge("prometheus_tsdb_retention_limit_bytes", "Retention by size; 0 = none.",
        sources.retention_bytes);
}

StorageMetrics::~StorageMetrics() {
  for (const auto& [name, labels] : added_) registry_.Remove(name, labels);
}

void StorageMetrics::Add(const TaskGate& gate, Kind kind, const std::string& name,
                         const std::string& help, std::function<double()> value,
                         MetricLabels labels) {
  registry_.AddCallback(name, help, kind == Kind::kCounter, gate.WrapQuestion(std::move(value)),
                        labels);
  added_.emplace_back(name, std::move(labels));
}

}  // namespace tocsin::storage
