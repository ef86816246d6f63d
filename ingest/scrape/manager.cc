#include "ingest/scrape/manager.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "ingest/scrape/scrape_context.h"
#include "ingest/scrape/scrape_pool.h"

namespace tocsin::ingest {

struct ScrapeManager::Impl {
  Impl(const ScrapePorts& ports, uint64_t seed, std::string user_agent, const ScrapeLimits& limits)
      : context(ports, seed, std::move(user_agent), limits) {}

  std::vector<std::shared_ptr<ScrapePool>> Pools() const {
    std::lock_guard lock(mutex);
    return pools;
  }

  ScrapeContext context;
  std::mutex apply_mutex;  // orders Apply calls; taken before mutex
  mutable std::mutex mutex;
  std::vector<std::shared_ptr<ScrapePool>> pools;  // in the order of the configuration
};

ScrapeManager::ScrapeManager(const ScrapePorts& ports, uint64_t seed, std::string user_agent,
                             const ScrapeLimits& limits)
    : impl_(std::make_shared<Impl>(ports, seed, std::move(user_agent), limits)) {}

ScrapeManager::~ScrapeManager() {
  std::lock_guard apply_lock(impl_->apply_mutex);
  for (const auto& pool : impl_->Pools()) pool->Stop(false);
  for (const auto& loop : impl_->context.retiring.TakeAll()) loop->Stop();
  impl_->context.gate.Wait();
}

void ScrapeManager::Apply(const GlobalConfig&, std::vector<ScrapeConfig> configs) {
  std::lock_guard apply_lock(impl_->apply_mutex);
  std::vector<std::shared_ptr<ScrapePool>> old = impl_->Pools();
  std::vector<std::shared_ptr<ScrapePool>> pools;
  for (const ScrapeConfig& config : configs) {
    const auto it = std::find_if(old.begin(), old.end(), [&](const auto& pool) {
      return pool != nullptr && pool->job() == config.job_name;
    });
    pools.push_back(it == old.end() ? nullptr : std::exchange(*it, nullptr));
  }
  // Leaving first: their targets may come back in another job.
  for (const auto& pool : old) {
    if (pool != nullptr) pool->Stop(true);
  }
  for (size_t i = 0; i < configs.size(); ++i) {
    if (pools[i] == nullptr) {
      pools[i] = ScrapePool::Create(impl_->context, std::move(configs[i]));
    } else {
      pools[i]->Apply(std::move(configs[i]));
    }
  }
  std::lock_guard lock(impl_->mutex);
  impl_->pools = std::move(pools);
}

TargetsStatus ScrapeManager::Targets() const {
  TargetsStatus out;
  for (const auto& pool : impl_->Pools()) pool->AppendTargets(&out);
  return out;
}

std::vector<std::string> ScrapeManager::ScrapePools() const {
  std::vector<std::string> out;
  for (const auto& pool : impl_->Pools()) out.push_back(pool->job());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<TargetMetadata> ScrapeManager::MetadataOf(const std::string& metric) const {
  std::vector<TargetMetadata> out;
  for (const auto& pool : impl_->Pools()) pool->AppendMetadata(metric, &out);
  return out;
}

}  // namespace tocsin::ingest
