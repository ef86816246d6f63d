#include "ingest/scrape/scrape_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/base/log.h"

namespace tocsin::ingest {
namespace {

constexpr Duration kSyncInterval{5'000};
constexpr int64_t kSyncBurst = 8;
constexpr char kTargetsMetric[] = "prometheus_target_scrape_pool_targets";
constexpr char kDiscoveredMetric[] = "prometheus_sd_discovered_targets";
constexpr char kMetadataMetric[] = "prometheus_target_metadata_cache_entries";

MetricLabels JobLabels(const std::string& job) { return {{"scrape_job", job}}; }
MetricLabels DiscoveryLabels(const std::string& job) {
  return {{"name", "scrape"}, {"config", job}};
}

// Whether loops made for `a` do the same under `b`: everything but where targets come from.
bool SameScrapes(ScrapeConfig a, ScrapeConfig b) {
  for (ScrapeConfig* config : {&a, &b}) {
    config->discovery = {};
    config->relabel_configs.clear();
    config->target_limit = config->keep_dropped_targets = 0;
  }
  return a == b;
}

}  // namespace

std::shared_ptr<ScrapePool> ScrapePool::Create(ScrapeContext& context, ScrapeConfig config) {
  std::shared_ptr<ScrapePool> pool(new ScrapePool(context, std::move(config)));
  context.metrics.pools.Add();
  pool->AddMetrics();
  pool->StartDiscovery();
  return pool;
}

ScrapePool::ScrapePool(ScrapeContext& context, ScrapeConfig config)
    : context_(context),
      job_(config.job_name),
      config_(std::make_shared<const ScrapeConfig>(std::move(config))),
      transport_(std::make_shared<const TransportConfig>(config_->transport)),
      sync_credit_(kSyncBurst),
      credit_time_(context.ports.clock.Monotonic()) {}

ScrapePool::~ScrapePool() { Stop(false); }

std::string ScrapePool::job() const { return job_; }

void ScrapePool::AddMetrics() {
  // Asked at each scrape of tocsin itself; the pool may be gone by then.
  const auto add = [&](const char* name, const char* help, const MetricLabels& labels,
                       size_t (ScrapePool::*count)() const) {
    context_.ports.metrics.AddCallback(
        name, help, false,
        [weak = weak_from_this(), count] {
          const auto self = weak.lock();
          return self == nullptr ? 0.0 : static_cast<double>((self.get()->*count)());
        },
        labels);
  };
  add(kTargetsMetric, "Current number of targets in this scrape pool.", JobLabels(job_),
      &ScrapePool::TargetCount);
  add(kDiscoveredMetric, "Current number of discovered targets.", DiscoveryLabels(job_),
      &ScrapePool::DiscoveredCount);
  add(kMetadataMetric, "Total number of metric metadata entries in the cache.", JobLabels(job_),
      &ScrapePool::FamilyCount);
}

size_t ScrapePool::TargetCount() const {
  std::lock_guard lock(mutex_);
  return loops_.size();
}

size_t ScrapePool::DiscoveredCount() const {
  std::lock_guard lock(mutex_);
  return loops_.size() + dropped_count_;
}

size_t ScrapePool::FamilyCount() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [hash, loop] : loops_) count += loop->family_count();
  return count;
}

void ScrapePool::StartDiscovery(FoundGroups before) {
  const DiscoveryPorts ports{context_.ports.scheduler, context_.ports.workers,
                             context_.ports.transport, context_.ports.files,
                             context_.ports.metrics,   context_.user_agent};
  DiscoveryConfig config;
  {
    std::lock_guard lock(mutex_);
    config = config_->discovery;
  }
  discovery_ = Discover(
      config, ports,
      [weak = weak_from_this()](std::vector<TargetGroup> groups) {
        if (const auto self = weak.lock()) self->OnGroups(std::move(groups));
      },
      std::move(before));
}

void ScrapePool::Apply(ScrapeConfig config) {
  auto fresh = std::make_shared<const ScrapeConfig>(std::move(config));
  bool same_discovery = false;
  {
    std::lock_guard lock(mutex_);
    if (*config_ == *fresh) return;
    same_discovery = config_->discovery == fresh->discovery;
    if (!(config_->transport == fresh->transport))
      transport_ = std::make_shared<const TransportConfig>(fresh->transport);
    config_ = std::move(fresh);
  }
  if (same_discovery) {
    Sync();
    return;
  }
  FoundGroups found = discovery_->Found();
  discovery_.reset();
  {
    std::lock_guard lock(mutex_);
    sync_credit_ = kSyncBurst;
  }
  StartDiscovery(std::move(found));
}

void ScrapePool::Stop(bool retire) {
  discovery_.reset();
  std::lock_guard sync_lock(sync_mutex_);
  Loops loops;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    sync_timer_.Cancel();
    loops = std::move(loops_);
    loops_.clear();
  }
  for (auto& [hash, loop] : loops) retire ? loop->Retire() : loop->Stop();
  context_.ports.metrics.Remove(kTargetsMetric, JobLabels(job_));
  context_.ports.metrics.Remove(kDiscoveredMetric, DiscoveryLabels(job_));
  context_.ports.metrics.Remove(kMetadataMetric, JobLabels(job_));
}

void ScrapePool::OnGroups(std::vector<TargetGroup> groups) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    context_.metrics.discovery_updates.Add();
    groups_ = std::move(groups);
    if (!TakeSyncCredit()) {
      if (std::exchange(sync_pending_, true)) return;
      sync_timer_ = context_.ports.scheduler.After(kSyncInterval, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->PostSync();
      });
      return;
    }
  }
  Sync();
}

bool ScrapePool::TakeSyncCredit() {
  const MonotonicTime now = context_.ports.clock.Monotonic();
  const int64_t earned = (now - credit_time_) / kSyncInterval;
  if (earned > 0) {
    sync_credit_ = std::min(kSyncBurst, sync_credit_ + earned);
    credit_time_ = now;
  }
  if (sync_pending_ || sync_credit_ == 0) return false;
  --sync_credit_;
  return true;
}

void ScrapePool::PostSync() {
  TaskGate::Token token;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    sync_credit_ = 0;
    credit_time_ = context_.ports.clock.Monotonic();
    token = context_.gate.Enter();
  }
  context_.ports.workers.Post([self = shared_from_this(), token] { self->Sync(); });
}

void ScrapePool::Sync() {
  std::lock_guard sync_lock(sync_mutex_);
  const MonotonicTime started = context_.ports.clock.Monotonic();
  std::shared_ptr<const ScrapeConfig> config;
  std::vector<TargetGroup> groups;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    sync_pending_ = false;
    config = config_;
    groups = groups_;
  }
  Found found = FindTargets(*config, groups);
  std::vector<std::shared_ptr<ScrapeLoop>> leaving, starting;
  {
    std::lock_guard lock(mutex_);
    for (auto it = loops_.begin(); it != loops_.end();) {
      const auto target = found.targets.find(it->first);
      ScrapeLoop& loop = *it->second;
      if (target != found.targets.end() && loop.target().interval == target->second.interval &&
          loop.target().timeout == target->second.timeout &&
          loop.target().unix_socket == target->second.unix_socket &&
          (loop.config() == config || SameScrapes(*loop.config(), *config))) {
        found.targets.erase(target);
        ++it;
      } else {
        leaving.push_back(std::move(it->second));
        loops_.erase(it++);
      }
    }
    for (auto& [hash, target] : found.targets) {
      auto loop = ScrapeLoop::Create(context_, config, transport_, std::move(target));
      starting.push_back(loop);
      loops_.emplace(hash, std::move(loop));
    }
    dropped_ = std::move(found.dropped);
    dropped_count_ = found.dropped_count;
    CheckTargetLimit();
  }
  // Leaving first: a target that only changed hands its series to its successor.
  for (const auto& loop : leaving) loop->Retire();
  for (const auto& loop : starting) loop->Start();
  context_.metrics.pool_syncs.Add();
  context_.metrics.sync_seconds.Observe(ToSeconds(context_.ports.clock.Monotonic() - started));
}

ScrapePool::Found ScrapePool::FindTargets(const ScrapeConfig& config,
                                          const std::vector<TargetGroup>& groups) const {
  Found found;
  for (const TargetGroup& group : groups) {
    for (size_t i = 0; i < group.targets.size(); ++i) {
      Labels discovered;
      auto target = MakeTarget(config, group, group.targets[i], &discovered);
      if (!target.ok()) {
        context_.metrics.sync_failures.Add();
        log::Error("Creating target failed",
                   {{"scrape_pool", job_},
                    {"err", fmt::format("instance {} in group {}: {}", i, group.source,
                                        target.error().message())}});
      } else if (!target->has_value()) {
        ++found.dropped_count;
        if (config.keep_dropped_targets == 0 || found.dropped.size() < config.keep_dropped_targets)
          found.dropped.push_back({job_, std::move(discovered)});
      } else {
        const uint64_t hash = (*target)->Hash();
        found.targets.try_emplace(hash, **std::move(target));
      }
    }
  }
  return found;
}

void ScrapePool::CheckTargetLimit() {
  std::string error;
  if (config_->target_limit != 0 && loops_.size() > config_->target_limit) {
    error = fmt::format("target_limit exceeded (number of targets: {}, limit: {})", loops_.size(),
                        config_->target_limit);
    context_.metrics.exceeded_target_limit.Add();
  }
  for (const auto& [hash, loop] : loops_) loop->ForceError(error);
}

void ScrapePool::AppendTargets(TargetsStatus* out) const {
  std::lock_guard lock(mutex_);
  for (const auto& [hash, loop] : loops_) out->active.push_back(loop->GetTargetStatus());
  out->dropped.insert(out->dropped.end(), dropped_.begin(), dropped_.end());
  out->dropped_counts.emplace_back(job_, dropped_count_);
}

void ScrapePool::AppendMetadata(const std::string& metric, std::vector<TargetMetadata>* out) const {
  std::lock_guard lock(mutex_);
  for (const auto& [hash, loop] : loops_) {
    for (const SharedFamily& family : loop->Families(metric))
      out->push_back({loop->target().labels, family->name, family->metadata});
  }
}

}  // namespace tocsin::ingest
