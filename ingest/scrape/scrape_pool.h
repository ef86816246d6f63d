// The targets of one job: discovery, relabelling, limits, and a loop per target.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/discovery/discoverer.h"
#include "ingest/scrape/scrape_loop.h"

namespace tocsin::ingest {

// Thread-safe. Created running. Changes of discovery are applied at once while they are few (at
// the start every mechanism speaks up within moments), and every five seconds when they rain.
class ScrapePool : public std::enable_shared_from_this<ScrapePool> {
 public:
  static std::shared_ptr<ScrapePool> Create(ScrapeContext& context, ScrapeConfig config);
  ~ScrapePool();

  // Takes a new configuration of the same job. Loops stay when what they do has not changed.
  void Apply(ScrapeConfig config);
  // `retire`: the targets leave (markers follow). Else everything just ends.
  void Stop(bool retire);

  std::string job() const;
  void AppendTargets(TargetsStatus* out) const;
  void AppendMetadata(const std::string& metric, std::vector<TargetMetadata>* out) const;

 private:
  using Loops = absl::flat_hash_map<uint64_t, std::shared_ptr<ScrapeLoop>>;

  // What a sync found.
  struct Found {
    absl::flat_hash_map<uint64_t, ScrapeTarget> targets;
    std::vector<DroppedTarget> dropped;
    uint64_t dropped_count = 0;
  };

  ScrapePool(ScrapeContext& context, ScrapeConfig config);

  void AddMetrics();
  size_t TargetCount() const;
  size_t DiscoveredCount() const;
  size_t FamilyCount() const;
  void StartDiscovery(FoundGroups before = {});
  void OnGroups(std::vector<TargetGroup> groups);
  bool TakeSyncCredit();  // REQUIRES: mutex_ held
  void PostSync();
  void Sync();
  Found FindTargets(const ScrapeConfig& config, const std::vector<TargetGroup>& groups) const;
  void CheckTargetLimit();  // REQUIRES: mutex_ held

  ScrapeContext& context_;
  const std::string job_;
  std::mutex sync_mutex_;  // orders syncs; taken before mutex_

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const ScrapeConfig> config_;
  std::shared_ptr<const TransportConfig> transport_;
  std::vector<TargetGroup> groups_;
  bool stopped_ = false;
  // How many changes may still be applied at once, as of that moment.
  int64_t sync_credit_;
  MonotonicTime credit_time_;
  Timer sync_timer_;
  bool sync_pending_ = false;
  Loops loops_;
  std::vector<DroppedTarget> dropped_;
  uint64_t dropped_count_ = 0;

  std::unique_ptr<Discovery> discovery_;  // set and destroyed without mutex_: it may be emitting
};

}  // namespace tocsin::ingest
