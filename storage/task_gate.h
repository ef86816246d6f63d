// Lets an object hand tasks that use it to executors that outlive it: a task that has not begun
// when the gate closes does nothing, and closing waits for those that have.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace tocsin::storage {

// Thread-safe.
class TaskGate {
 public:
  std::function<void()> Wrap(std::function<void()> task) const {
    return [state = state_, task = std::move(task)] {
      {
        std::lock_guard lock(state->mutex);
        if (state->closed) return;
        ++state->running;
      }
      task();
      std::lock_guard lock(state->mutex);
      if (--state->running == 0) state->idle.notify_all();
    };
  }

  // The same for a question; 0 once the gate is closed.
  std::function<double()> WrapQuestion(std::function<double()> question) const {
    return [gate = *this, question = std::move(question)] {
      double value = 0;
      gate.Wrap([&] { value = question(); })();
      return value;
    };
  }

  // REQUIRES: not called from within a task.
  void Close() {
    std::unique_lock lock(state_->mutex);
    state_->closed = true;
    state_->idle.wait(lock, [this] { return state_->running == 0; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable idle;
    bool closed = false;
    int running = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tocsin::storage
