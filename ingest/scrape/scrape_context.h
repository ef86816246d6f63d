// What all pools and loops of one manager share.
#pragma once

#include <atomic>
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

// Bytes of the pages under way. Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(uint64_t max) : max_(max) {}

  // What one body has taken; gives it back when it goes.
  class Lease {
   public:
    explicit Lease(std::shared_ptr<BodyBudget> budget) : budget_(std::move(budget)) {}
    ~Lease() { Return(); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    // False: there is no room for `bytes` more.
    bool Take(uint64_t bytes) {
      const uint64_t all = budget_->taken_.fetch_add(bytes) + bytes;
      taken_ += bytes;
      return taken_ <= kSmallBody || all <= budget_->max_;
    }
    void Return() { budget_->taken_ -= std::exchange(taken_, 0); }

   private:
    const std::shared_ptr<BodyBudget> budget_;
    uint64_t taken_ = 0;
  };

  uint64_t max() const { return max_; }

 private:
  static constexpr uint64_t kSmallBody = 256u << 10;
  const uint64_t max_;
  std::atomic<uint64_t> taken_{0};
};

struct ScrapeContext {
  ScrapeContext(const ScrapePorts& p, uint64_t s, std::string agent, const ScrapeLimits& l)
      : ports(p),
        seed(s),
        user_agent(std::move(agent)),
        limits(l),
        metrics(p.metrics),
        intervals(p.metrics),
        bodies(std::make_shared<BodyBudget>(l.body_bytes)) {}

  const ScrapePorts ports;
  const uint64_t seed;
  const std::string user_agent;
  const ScrapeLimits limits;
  const ScrapeMetrics metrics;
  IntervalLengths intervals;
  const std::shared_ptr<BodyBudget> bodies;  // an exchange that is dropped may end later
  FamilyPool families;
  RetiringLoops retiring;
  TaskGate gate;
};

}  // namespace tocsin::ingest
