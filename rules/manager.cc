#include "rules/manager.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "rules/group.h"
#include "rules/state_restorer.h"
#include "storage/base/log.h"

namespace tocsin::rules {
namespace {

using GroupName = std::pair<std::string, std::string>;  // file, name

GroupConfig FillIn(GroupConfig config, const RuleGlobals& globals) {
  if (config.interval.count() <= 0) config.interval = globals.evaluation_interval;
  if (config.interval.count() <= 0) config.interval = Duration{60'000};
  if (!config.query_offset) config.query_offset = globals.query_offset;
  return config;
}

}  // namespace

// Kept by timers and callbacks through weak pointers.
struct RuleManager::Impl : std::enable_shared_from_this<RuleManager::Impl> {
  Impl(const RulePorts& ports, ManagerOptions options) : environment(ports, std::move(options)) {}

  void Apply(const RuleGlobals& globals, std::vector<GroupConfig> configs);
  std::map<uint64_t, StoredGroup> LoadState();
  void ForgetState(const std::vector<std::shared_ptr<Group>>& next,
                   const std::map<uint64_t, StoredGroup>* restored);
  void Retire(const std::shared_ptr<Group>& group);
  std::shared_ptr<Group> TakeRetired(const GroupConfig& config);
  void MarkStale(std::shared_ptr<Group> group);
  void Shutdown();

  GroupEnvironment environment;

  std::mutex apply_mutex;  // one Apply at a time
  bool applied = false;    // under apply_mutex

  mutable std::mutex mutex;
  std::vector<std::shared_ptr<Group>> groups;  // by file, then order in the file
  // Removed groups until their series are marked.
  std::map<std::shared_ptr<Group>, Timer> retired;
};

RuleManager::RuleManager(const RulePorts& ports, ManagerOptions options)
    : impl_(std::make_shared<Impl>(ports, std::move(options))) {}

RuleManager::~RuleManager() { impl_->Shutdown(); }

void RuleManager::Apply(const RuleGlobals& globals, std::vector<GroupConfig> groups) {
  impl_->Apply(globals, std::move(groups));
}

std::vector<GroupStatus> RuleManager::Groups() const {
  std::vector<std::shared_ptr<Group>> groups;
  {
    std::lock_guard lock(impl_->mutex);
    groups = impl_->groups;
  }
  std::vector<GroupStatus> status;
  status.reserve(groups.size());
  for (const auto& group : groups) status.push_back(group->Status());
  return status;
}

void RuleManager::Impl::Apply(const RuleGlobals& globals, std::vector<GroupConfig> configs) {
  std::lock_guard apply_lock(apply_mutex);
  std::stable_sort(configs.begin(), configs.end(),
                   [](const GroupConfig& a, const GroupConfig& b) { return a.file < b.file; });
  const auto external_labels = std::make_shared<const Labels>(globals.external_labels);
  std::map<GroupName, std::shared_ptr<Group>> old;
  {
    std::lock_guard lock(mutex);
    for (const auto& group : groups) {
      old.emplace(GroupName(group->config().file, group->config().name), group);
    }
  }
  const bool first = !std::exchange(applied, true);
  const std::map<uint64_t, StoredGroup> stored =
      first ? LoadState() : std::map<uint64_t, StoredGroup>();

  std::vector<std::shared_ptr<Group>> next;
  // New groups, and those of the same name whose series they take over; `changed`: with the state
  // of their alerts.
  struct Start {
    std::shared_ptr<Group> group, predecessor;
    bool changed = false;
  };
  std::vector<Start> to_start;
  for (GroupConfig& raw : configs) {
    GroupConfig config = FillIn(std::move(raw), globals);
    const auto it = old.find({config.file, config.name});
    std::shared_ptr<Group> predecessor;
    if (it != old.end()) {
      predecessor = std::move(it->second);
      old.erase(it);
      if (predecessor->config() == config) {
        predecessor->SetExternalLabels(external_labels);
        next.push_back(std::move(predecessor));
        continue;
      }
    }
    auto group = std::make_shared<Group>(environment, std::move(config), external_labels);
    const auto found = stored.find(GroupKey(group->config().file, group->config().name));
    if (found != stored.end()) group->Restore(found->second);
    const bool changed = predecessor != nullptr;
    if (!changed) predecessor = TakeRetired(group->config());
    if (predecessor) group->AwaitPredecessor();
    next.push_back(group);
    to_start.push_back({std::move(group), std::move(predecessor), changed});
  }
  ForgetState(next, first ? &stored : nullptr);
  {
    std::lock_guard lock(mutex);
    groups = next;
  }
  for (auto& [group, predecessor, changed] : to_start) {
    if (!predecessor) {
      group->Start();
      continue;
    }
    predecessor->Stop([group = group, predecessor = predecessor, changed = changed] {
      if (changed) {
        group->TakeOver(*predecessor);
      } else {
        group->TakeOverSeries(*predecessor);
      }
      group->Start();
    });
  }
  for (auto& [name, group] : old) Retire(group);
  old.clear();
  environment.DropUnusedMetrics();
}

std::map<uint64_t, StoredGroup> RuleManager::Impl::LoadState() {
  auto stored = LoadAlertState(environment.ports.kv);
  if (!stored.ok()) {
    log::Error("Alert state could not be read; alerts begin anew",
               {{"error", stored.error().message()}});
    return {};
  }
  const Timestamp now = environment.ports.clock.Now();
  std::erase_if(*stored, [&](const auto& group) {
    return now - group.second.last_evaluation > environment.options.outage_tolerance;
  });
  return *std::move(stored);
}

// Records of groups, rules and outages that are past would come back one day. At the first Apply
// what was not restored is past as well.
void RuleManager::Impl::ForgetState(const std::vector<std::shared_ptr<Group>>& next,
                                    const std::map<uint64_t, StoredGroup>* restored) {
  std::map<uint64_t, std::vector<uint64_t>> wanted;
  for (const auto& group : next) {
    const uint64_t key = GroupKey(group->config().file, group->config().name);
    if (restored != nullptr && !restored->contains(key)) continue;
    wanted[key] = RuleKeys(group->config());
  }
  if (auto ok = ForgetAlertState(environment.ports.kv, wanted); !ok.ok()) {
    log::Warn("Old alert state could not be removed", {{"error", ok.error().message()}});
  }
}

// A removed group's series end two intervals later, unless another group goes on with them.
void RuleManager::Impl::Retire(const std::shared_ptr<Group>& group) {
  const Duration delay = 2 * group->config().interval;
  {
    std::lock_guard lock(mutex);
    retired.emplace(group, Timer());
  }
  group->Stop([weak = weak_from_this(), group, delay] {
    auto self = weak.lock();
    if (!self) return;
    // `retired` keeps the group until then, unless one of its name came back.
    std::lock_guard lock(self->mutex);
    const auto it = self->retired.find(group);
    if (it == self->retired.end()) return;
    it->second =
        self->environment.ports.scheduler.After(delay, [weak, key = std::weak_ptr<Group>(group)] {
          auto manager = weak.lock();
          if (!manager || !manager->environment.TryEnter()) return;
          manager->environment.ports.workers.Post([manager, key] {
            if (auto retired = key.lock()) manager->MarkStale(std::move(retired));
            manager->environment.DropUnusedMetrics();
            manager->environment.Leave();
          });
        });
  });
}

// Its series are then the business of the group that has come back.
std::shared_ptr<Group> RuleManager::Impl::TakeRetired(const GroupConfig& config) {
  std::lock_guard lock(mutex);
  for (auto it = retired.begin(); it != retired.end(); ++it) {
    if (it->first->config().file != config.file || it->first->config().name != config.name)
      continue;
    auto group = it->first;
    it->second.Cancel();
    retired.erase(it);
    return group;
  }
  return nullptr;
}

void RuleManager::Impl::MarkStale(std::shared_ptr<Group> group) {
  {
    std::lock_guard lock(mutex);
    if (retired.erase(group) == 0) return;  // one of its name came back
  }
  group->EndSeries();
}

void RuleManager::Impl::Shutdown() {
  std::vector<std::shared_ptr<Group>> all;
  {
    std::lock_guard lock(mutex);
    all.swap(groups);
    for (auto& [group, timer] : retired) timer.Cancel();
    retired.clear();
  }
  for (const auto& group : all) group->Stop([] {});
  environment.CloseAndWait();
}

}  // namespace tocsin::rules
