#include "ingest/scrape/scrape_context.h"

namespace tocsin::ingest {

void RetiringLoops::Add(const Labels& labels, std::shared_ptr<ScrapeLoop> loop) {
  std::lock_guard lock(mutex_);
  std::swap(loops_[labels], loop);
}

std::shared_ptr<ScrapeLoop> RetiringLoops::Take(const Labels& labels) {
  std::lock_guard lock(mutex_);
  const auto it = loops_.find(labels);
  if (it == loops_.end()) return nullptr;
  auto loop = std::move(it->second);
  loops_.erase(it);
  return loop;
}

void RetiringLoops::Remove(const Labels& labels, const ScrapeLoop* loop) {
  std::shared_ptr<ScrapeLoop> last;  // destroyed outside the lock
  std::lock_guard lock(mutex_);
  const auto it = loops_.find(labels);
  if (it == loops_.end() || it->second.get() != loop) return;
  last = std::move(it->second);
  loops_.erase(it);
}

std::vector<std::shared_ptr<ScrapeLoop>> RetiringLoops::TakeAll() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ScrapeLoop>> out;
  for (auto& [labels, loop] : loops_) out.push_back(std::move(loop));
  loops_.clear();
  return out;
}

}  // namespace tocsin::ingest
