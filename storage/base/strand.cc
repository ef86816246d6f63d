#include <deque>
#include <mutex>
#include <utility>

#include "storage/base/executor.h"

namespace tocsin {

struct Strand::State : std::enable_shared_from_this<Strand::State> {
  explicit State(Executor& e) : executor(e) {}

  // Runs one task, then queues itself again behind the other users of the executor, so that a busy
  // strand does not keep a thread for itself.
  void RunOne() {
    std::function<void()> task;
    {
      std::lock_guard lock(mutex);
      task = std::move(queue.front());
      queue.pop_front();
    }
    task();
    {
      std::lock_guard lock(mutex);
      if (queue.empty()) {
        scheduled = false;
        return;
      }
    }
    executor.Post([self = shared_from_this()] { self->RunOne(); });
  }

  Executor& executor;
  std::mutex mutex;
  std::deque<std::function<void()>> queue;
  bool scheduled = false;
};

Strand::Strand(Executor& executor) : state_(std::make_shared<State>(executor)) {}

void Strand::Post(std::function<void()> task) {
  {
    std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(task));
    if (std::exchange(state_->scheduled, true)) return;
  }
  state_->executor.Post([state = state_] { state->RunOne(); });
}

}  // namespace tocsin
