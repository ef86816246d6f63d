// How many queries run at once; the others wait for their turn.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace tocsin::query {

// Thread-safe.
class Admission {
 public:
  Admission(int slots, const Clock& clock) : clock_(clock), free_(slots) {}

  // Holds a slot until destroyed.
  class Ticket {
   public:
    explicit Ticket(Admission* admission) : admission_(admission) {}
    Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (admission_ != nullptr) admission_->Leave();
    }

   private:
    Admission* admission_;
  };

  // Blocks until a slot is free. kTimeout, kCanceled: waiting was given up. `canceled` may be null.
  Result<Ticket> Enter(std::chrono::nanoseconds timeout, const std::atomic<bool>* canceled);

 private:
  void Leave();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable left_;
  int free_;
};

}  // namespace tocsin::query
