#include "rules/group_environment.h"

#include <algorithm>

namespace tocsin::rules {

bool GroupEnvironment::TryEnter() {
  std::lock_guard lock(mutex_);
  if (closing_) return false;
  ++running_;
  return true;
}
void GroupEnvironment::Leave() {
  std::lock_guard lock(mutex_);
  --running_;
  idle_.notify_all();
}
void GroupEnvironment::CloseAndWait() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  idle_.wait(lock, [this] { return running_ == 0; });
}

int GroupEnvironment::TakeEvaluators(int wanted) {
  std::lock_guard lock(mutex_);
  const int taken = std::clamp(options.max_concurrent_evals - evaluators_, 0, wanted);
  evaluators_ += taken;
  return taken;
}
void GroupEnvironment::GiveBackEvaluator() {
  std::lock_guard lock(mutex_);
  --evaluators_;
}

std::shared_ptr<GroupMetrics> GroupEnvironment::MetricsOf(const std::string& group) {
  std::lock_guard lock(mutex_);
  auto& found = group_metrics_[group];
  if (!found) found = std::make_shared<GroupMetrics>(ports.metrics, group);
  return found;
}
void GroupEnvironment::DropUnusedMetrics() {
  std::lock_guard lock(mutex_);
  std::erase_if(group_metrics_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace tocsin::rules
