// Scraping: keeps a pool per job and a loop per target in step with the configuration.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/scrape_config.h"
#include "storage/appendable.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "storage/base/metrics.h"
#include "storage/base/scheduler.h"
#include "storage/base/transport.h"
#include "storage/model/metadata.h"

namespace tocsin::ingest {

enum class TargetHealth { kUnknown, kUp, kDown };

// A snapshot for /targets and the UI.
struct TargetStatus {
  std::string scrape_pool;
  Labels discovered_labels;
  Labels labels;  // without those that start with __
  std::string url;
  TargetHealth health = TargetHealth::kUnknown;
  std::string last_error;
  Timestamp last_scrape;  // epoch 0 - before the first
  bool scraped = false;
  double last_duration_seconds = 0;
  Duration interval{0}, timeout{0};
};
struct DroppedTarget {
  std::string scrape_pool;
  Labels discovered_labels;
};
struct TargetsStatus {
  std::vector<TargetStatus> active;
  std::vector<DroppedTarget> dropped;  // at most keep_dropped_targets a pool
  std::vector<std::pair<std::string, uint64_t>> dropped_counts;  // by pool, all of them
};
struct TargetMetadata {
  Labels target;
  std::string metric;
  Metadata metadata;
};

// REQUIRES: all outlive the manager.
struct ScrapePorts {
  Clock& clock;
  Scheduler& scheduler;
  Executor& workers;  // parses and appends
  Transport& transport;
  const FileSystem& files;
  storage::Appendable& storage;
  MetricRegistry& metrics;
};

// What targets may take of the memory, all together or each.
struct ScrapeLimits {
  // Bodies that are being received or parsed. A body beyond it is cut off, and its scrape fails; a
  // small one (256 KiB) always has room.
  uint64_t body_bytes = 256u << 20;
  // More than the whole store takes can only be a mistake: the rest of such a page is left out.
  uint64_t new_series_per_page = 1'000'000;
};

// Thread-safe. Fake-clock friendly: everything runs on the ports.
class ScrapeManager {
 public:
  // `seed` spreads the scrapes of replicas (hash of hostname and external labels).
  ScrapeManager(const ScrapePorts& ports, uint64_t seed, std::string user_agent,
                const ScrapeLimits& limits = {});
  // Stops all loops; scrapes under way are dropped, no staleness markers are written.
  ~ScrapeManager();

  // Brings pools and loops in step. Unchanged jobs keep their loops, state and timing; loops of
  // targets that left write staleness markers.
  void Apply(const GlobalConfig& global, std::vector<ScrapeConfig> configs);

  TargetsStatus Targets() const;
  std::vector<std::string> ScrapePools() const;
  // From the caches of active targets; `metric` empty: all.
  std::vector<TargetMetadata> MetadataOf(const std::string& metric) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::ingest
