// Where work that may take long runs. The root creates the pools (thread_pool.h) and hands each
// folder the ones it may use; tests hand in one that runs inline.
#pragma once

#include <functional>
#include <memory>

namespace tocsin {

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `task` later (or, for the inline executor of the tests, now). Tasks of a pool with one
  // thread run in the order of posting.
  virtual void Post(std::function<void()> task) = 0;
};

// A queue over an executor: tasks run one at a time in the order of posting, on whatever thread
// the executor gives. State touched only by a strand's tasks needs no lock. The strand may be
// destroyed with tasks pending: they still run.
class Strand final : public Executor {
 public:
  // REQUIRES: `executor` outlives every task posted.
  explicit Strand(Executor& executor);
  void Post(std::function<void()> task) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tocsin
