// What all pools and loops of one manager share.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/scrape/interval_lengths.h"
#include "ingest/scrape/manager.h"
#include "ingest/scrape/metadata_cache.h"
#include "ingest/scrape/metrics.h"
#include "ingest/task_gate.h"

namespace tocsin::ingest {

class ScrapeLoop;

// Loops of targets that left, until they have written their markers. A target that returns with
// the same labels takes the series over instead. Thread-safe.
class RetiringLoops {
 public:
  void Add(const Labels& labels, std::shared_ptr<ScrapeLoop> loop);
  // The loop of that label set, no longer listed; null when there is none.
  std::shared_ptr<ScrapeLoop> Take(const Labels& labels);
  // The loop itself is done.
  void Remove(const Labels& labels, const ScrapeLoop* loop);
  std::vector<std::shared_ptr<ScrapeLoop>> TakeAll();

 private:
  std::mutex mutex_;
  // By label set; of several loops with equal labels the last one counts.
  absl::flat_hash_map<Labels, std::shared_ptr<ScrapeLoop>, LabelsHash> loops_;
};

struct ScrapeContext {
  ScrapeContext(const ScrapePorts& p, uint64_t s, std::string agent)
      : ports(p), seed(s), user_agent(std::move(agent)), metrics(p.metrics), intervals(p.metrics) {}

  const ScrapePorts ports;
  const uint64_t seed;
  const std::string user_agent;
  const ScrapeMetrics metrics;
  IntervalLengths intervals;
  FamilyPool families;
  RetiringLoops retiring;
  TaskGate gate;
};

}  // namespace tocsin::ingest
