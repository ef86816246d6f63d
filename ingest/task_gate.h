// Counts work under way, so that an owner can wait for it before what the work uses goes away.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

namespace tocsin::ingest {

// Thread-safe.
class TaskGate {
 public:
  // Destroying the token (with the task that holds it, run or dropped) ends the work.
  using Token = std::shared_ptr<void>;

  Token Enter() {
    std::lock_guard lock(mutex_);
    ++running_;
    return Token(this, [](void* self) { static_cast<TaskGate*>(self)->Leave(); });
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  void Leave() {
    std::lock_guard lock(mutex_);
    if (--running_ == 0) idle_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;
};

}  // namespace tocsin::ingest
