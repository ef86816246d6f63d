// A fixed number of threads with one queue. Only the composition root creates one (held by lint).
#pragma once

#include <memory>
#include <string>

#include "storage/base/executor.h"

namespace tocsin {

class ThreadPool final : public Executor {
 public:
  enum class Priority { kNormal, kLow };

  // `name` (at most 15 bytes) shows in ps and in profiles. REQUIRES: threads >= 1.
  ThreadPool(std::string name, int threads, Priority priority = Priority::kNormal);
  // Runs what is queued, then joins.
  ~ThreadPool() override;

  void Post(std::function<void()> task) override;

  // Runs what is queued and joins; later posts are dropped. Idempotent.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
