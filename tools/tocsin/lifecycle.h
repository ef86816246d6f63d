// What the main thread waits for: a wish to reload or to stop, from a signal, the API or a test.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "storage/base/result.h"

namespace tocsin {

// Thread-safe but for Run, which one thread calls once.
class Lifecycle {
 public:
  using Done = std::function<void(Status)>;

  // `done` gets the outcome, on the thread of Run; kUnavailable when Run has ended first.
  void RequestReload(Done done);
  void RequestStop();

  // Serves requests until a stop was requested, reloads one at a time by `reload`.
  void Run(const std::function<Status()>& reload);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Done> reloads_;
  bool stop_ = false;
};

}  // namespace tocsin
