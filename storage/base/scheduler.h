// Timers. The production implementation is EventLoop; tests use tests/support/manual_scheduler.h.
#pragma once

#include <functional>
#include <utility>

#include "storage/base/time.h"

namespace tocsin {

// Owns a pending timer; destroying or resetting it cancels. Cancelling from a thread other than
// the loop's may race with a callback that has just begun; the callback's owner guards for that
// (weak_ptr or a strand). Destroying it inside its own callback is fine.
class Timer {
 public:
  Timer() = default;
  explicit Timer(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  Timer(Timer&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
  Timer& operator=(Timer&& other) noexcept {
    if (this != &other) {
      Cancel();
      cancel_ = std::exchange(other.cancel_, nullptr);
    }
    return *this;
  }
  ~Timer() { Cancel(); }

  void Cancel() {
    if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }

 private:
  std::function<void()> cancel_;
};

// Thread-safe. Callbacks run on the loop's thread(s) and must be short: anything that evaluates,
// commits or waits belongs on an Executor.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Runs `fn` once, `delay` from now on the monotonic clock (at once when not positive).
  [[nodiscard]] virtual Timer After(Duration delay, std::function<void()> fn) = 0;

  // Runs `fn` as soon as the loop is free, in the order of posting.
  virtual void Post(std::function<void()> fn) = 0;
};

}  // namespace tocsin
