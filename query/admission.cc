#include "query/admission.h"

namespace tocsin::query {
namespace {

// How often a waiting query looks whether its caller is still there.
constexpr std::chrono::milliseconds kPatience{10};

}  // namespace

Result<Admission::Ticket> Admission::Enter(std::chrono::nanoseconds timeout,
                                           const std::atomic<bool>* canceled) {
  const MonotonicTime began = clock_.Monotonic();
  std::unique_lock lock(mutex_);
  while (!left_.wait_for(lock, kPatience, [this] { return free_ > 0; })) {
    if (canceled != nullptr && canceled->load(std::memory_order_relaxed)) {
      return Error(ErrorCode::kCanceled, "query was canceled in query queue");
    }
    if (clock_.Monotonic() - began > timeout) {
      return Error(ErrorCode::kTimeout, "query timed out in query queue");
    }
  }
  --free_;
  return Ticket(this);
}

void Admission::Leave() {
  {
    std::lock_guard lock(mutex_);
    ++free_;
  }
  left_.notify_one();
}

}  // namespace tocsin::query
