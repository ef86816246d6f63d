#include "tools/tocsin/lifecycle.h"

namespace tocsin {
namespace {

Error Stopping() { return Error(ErrorCode::kUnavailable, "tocsin is stopping"); }

}  // namespace

void Lifecycle::RequestReload(Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!stop_) {
      reloads_.push_back(std::move(done));
      changed_.notify_one();
      return;
    }
  }
  done(Stopping());
}

void Lifecycle::RequestStop() {
  std::lock_guard lock(mutex_);
  stop_ = true;
  changed_.notify_one();
}

void Lifecycle::Run(const std::function<Status()>& reload) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || !reloads_.empty(); });
    if (stop_) break;
    const Done done = std::move(reloads_.front());
    reloads_.pop_front();
    lock.unlock();
    done(reload());
    lock.lock();
  }
  const std::deque<Done> unserved = std::move(reloads_);
  lock.unlock();
  for (const Done& done : unserved) done(Stopping());
}

}  // namespace tocsin
