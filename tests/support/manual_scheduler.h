// Virtual time: a clock and a scheduler that move only when told. Days pass in milliseconds.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/scheduler.h"

namespace tocsin::testing {

// Thread-safe, but callbacks run on the thread that advances.
class ManualScheduler final : public Scheduler, public Clock {
 public:
  explicit ManualScheduler(Timestamp now = {1'700'000'000'000}) : now_(now) {}

  Timestamp Now() const override {
    std::lock_guard lock(mutex_);
    return now_ + wall_offset_;
  }
  MonotonicTime Monotonic() const override {
    std::lock_guard lock(mutex_);
    return {std::chrono::milliseconds(now_.ms)};
  }

  Timer After(Duration delay, std::function<void()> fn) override {
    std::lock_guard lock(mutex_);
    const Key key{now_ + std::max(delay, Duration{0}), next_++};
    timers_.emplace(key, std::move(fn));
    return Timer([this, key] {
      std::lock_guard cancel_lock(mutex_);
      timers_.erase(key);
    });
  }
  void Post(std::function<void()> fn) override {
    std::lock_guard lock(mutex_);
    timers_.emplace(Key{now_, next_++}, std::move(fn));
  }

  // Runs everything due up to now + d, in time order, with the clock at each one's time.
  void Advance(Duration d) {
    const Timestamp end = [&] {
      std::lock_guard lock(mutex_);
      return now_ + d;
    }();
    for (;;) {
      std::function<void()> fn;
      {
        std::lock_guard lock(mutex_);
        auto it = timers_.begin();
        if (it == timers_.end() || it->first.at > end) {
          now_ = end;
          return;
        }
        if (it->first.at > now_) now_ = it->first.at;
        fn = std::move(it->second);
        timers_.erase(it);
      }
      fn();
    }
  }
  void RunPending() { Advance(Duration{0}); }

  // The wall clock jumps; timers, being monotonic, do not.
  void JumpWall(Duration d) {
    std::lock_guard lock(mutex_);
    wall_offset_ += d;
  }
  size_t pending() const {
    std::lock_guard lock(mutex_);
    return timers_.size();
  }

 private:
  struct Key {
    Timestamp at;
    uint64_t order;
    auto operator<=>(const Key&) const = default;
  };

  mutable std::mutex mutex_;
  Timestamp now_;
  Duration wall_offset_{0};
  uint64_t next_ = 0;
  std::map<Key, std::function<void()>> timers_;
};

// Runs each task at once on the caller's thread; tasks posted from within a task run after it.
class InlineExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    queue_.push_back(std::move(task));
    if (running_) return;
    running_ = true;
    while (!queue_.empty()) {
      auto next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
    running_ = false;
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  bool running_ = false;
};

}  // namespace tocsin::testing
