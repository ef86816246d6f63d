#include "storage/guarded_clock.h"

#include <chrono>

namespace tocsin::storage {
namespace {

constexpr Duration kJump = std::chrono::hours(1);
constexpr std::chrono::nanoseconds kStands = std::chrono::hours(1);

Duration Milliseconds(std::chrono::nanoseconds d) {
  return std::chrono::duration_cast<Duration>(d);
}

}  // namespace

Timestamp GuardedClock::Tick(Timestamp wall, MonotonicTime monotonic) {
  if (!time_) time_ = wall;
  const Timestamp expected = *time_ + (last_ ? Milliseconds(monotonic - *last_) : Duration{0});
  last_ = monotonic;
  if (wall <= expected + kJump) {
    jump_since_.reset();
    time_ = wall;
    return *time_;
  }
  // The jump stands as long as the wall clock runs on from where it jumped to.
  if (jump_since_) {
    const Duration drift = wall - (jump_to_ + Milliseconds(monotonic - *jump_since_));
    if (drift > kJump || drift < -kJump) jump_since_.reset();
  }
  if (!jump_since_) {
    jump_since_ = monotonic;
    jump_to_ = wall;
  }
  time_ = monotonic - *jump_since_ >= kStands ? wall : expected;
  if (*time_ == wall) jump_since_.reset();
  return *time_;
}

}  // namespace tocsin::storage
