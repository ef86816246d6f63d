// What one query may use: samples in memory, wall time, and the patience of its caller.
#pragma once

#include <atomic>
#include <cstdint>

#include "query/engine.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace tocsin::query {

// Of one running query; one thread.
class Limits {
 public:
  // REQUIRES: `clock` and `canceled` (may be null) outlive this.
  Limits(uint64_t max_samples, std::chrono::nanoseconds timeout, const Clock& clock,
         const std::atomic<bool>* canceled)
      : max_samples_(max_samples),
        clock_(clock),
        start_(clock.Monotonic()),
        timeout_(timeout),
        canceled_(canceled) {}

  // kTimeout or kCanceled when the query should stop. Cheap enough for once per series.
  Status Check() {
    if (++calls_ % kCallsPerCheck != 0) return OkStatus();
    return CheckNow();
  }
  Status CheckNow() const;

  // Memory, counted in samples of 16 bytes. kLimit when the query holds too many.
  Status Hold(uint64_t samples);
  void Release(uint64_t samples) { held_ -= samples < held_ ? samples : held_; }

  uint64_t held() const { return held_; }

  void CountRead(uint64_t samples) { read_ += samples; }
  uint64_t read() const { return read_; }
  uint64_t peak() const { return peak_; }
  const std::atomic<bool>* canceled() const { return canceled_; }

 private:
  static constexpr uint32_t kCallsPerCheck = 16;

  const uint64_t max_samples_;
  const Clock& clock_;
  const MonotonicTime start_;
  const std::chrono::nanoseconds timeout_;
  const std::atomic<bool>* const canceled_;
  uint32_t calls_ = 0;
  uint64_t held_ = 0;
  uint64_t peak_ = 0;
  uint64_t read_ = 0;
};

// What is held while an operator works goes back when it is done, but for its result.
class HoldScope {
 public:
  explicit HoldScope(Limits& limits) : limits_(limits), before_(limits.held()) {}
  ~HoldScope() {
    const uint64_t after = before_ + kept_;
    if (limits_.held() > after) limits_.Release(limits_.held() - after);
  }
  HoldScope(const HoldScope&) = delete;
  HoldScope& operator=(const HoldScope&) = delete;

  void Keep(uint64_t samples) { kept_ = samples; }

 private:
  Limits& limits_;
  const uint64_t before_;
  uint64_t kept_ = 0;
};

}  // namespace tocsin::query
