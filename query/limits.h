// What one query may use: samples in memory, bytes, wall time, and the patience of its caller.
#pragma once

#include <atomic>
#include <cstdint>

#include "query/engine.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace tocsin::query {

// What all running queries hold together. Thread-safe.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t max_bytes) : max_bytes_(max_bytes) {}  // 0: no limit

  // False: that would be too much; nothing was taken.
  bool Take(uint64_t bytes);
  void Give(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  uint64_t max_bytes() const { return max_bytes_; }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const uint64_t max_bytes_;
  std::atomic<uint64_t> used_{0};
};

// Of one running query. Thread-safe, for the parts of it that run beside one another.
class Limits {
 public:
  struct Sizes {
    uint64_t max_samples;    // in units of 16 bytes
    uint64_t max_bytes = 0;  // 0: no limit
  };

  // REQUIRES: `clock`, `canceled` and `budget` (these may be null) outlive this.
  Limits(const Sizes& sizes, std::chrono::nanoseconds timeout, const Clock& clock,
         const std::atomic<bool>* canceled, MemoryBudget* budget = nullptr)
      : sizes_(sizes),
        clock_(clock),
        start_(clock.Monotonic()),
        timeout_(timeout),
        canceled_(canceled),
        budget_(budget) {}
  ~Limits();
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;

  // kTimeout or kCanceled when the query should stop. Cheap enough for once per series.
  Status Check() {
    if (calls_.fetch_add(1, std::memory_order_relaxed) % kCallsPerCheck != 0) return OkStatus();
    return CheckNow();
  }
  Status CheckNow() const;

  // Memory, counted in samples of 16 bytes; `more_bytes` are labels and the like, which count
  // against the limits of bytes only. kLimit when the query, or all queries, hold too much.
  Status Hold(uint64_t samples, uint64_t more_bytes = 0);
  void Release(uint64_t samples, uint64_t more_bytes = 0);

  uint64_t held() const { return held_.load(std::memory_order_relaxed); }
  uint64_t held_bytes() const { return bytes_.load(std::memory_order_relaxed); }

  void CountRead(uint64_t samples) { read_.fetch_add(samples, std::memory_order_relaxed); }
  uint64_t read() const { return read_.load(std::memory_order_relaxed); }
  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }
  const std::atomic<bool>* canceled() const { return canceled_; }

  static constexpr uint64_t kBytesPerSample = 16;

 private:
  static constexpr uint32_t kCallsPerCheck = 16;

  const Sizes sizes_;
  const Clock& clock_;
  const MonotonicTime start_;
  const std::chrono::nanoseconds timeout_;
  const std::atomic<bool>* const canceled_;
  MemoryBudget* const budget_;
  std::atomic<uint32_t> calls_{0};
  std::atomic<uint64_t> held_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> peak_{0};
  std::atomic<uint64_t> read_{0};
};

// What is held while an operator works goes back when it is done, but for its result.
class HoldScope {
 public:
  explicit HoldScope(Limits& limits)
      : limits_(limits), samples_(limits.held()), bytes_(limits.held_bytes()) {}
  ~HoldScope() {
    const uint64_t samples = samples_ + kept_;
    const uint64_t bytes = bytes_ + kept_ * Limits::kBytesPerSample;
    const uint64_t back = limits_.held() > samples ? limits_.held() - samples : 0;
    const uint64_t back_bytes = limits_.held_bytes() > bytes ? limits_.held_bytes() - bytes : 0;
    const uint64_t covered = back * Limits::kBytesPerSample;
    limits_.Release(back, back_bytes > covered ? back_bytes - covered : 0);
  }
  HoldScope(const HoldScope&) = delete;
  HoldScope& operator=(const HoldScope&) = delete;

  void Keep(uint64_t samples) { kept_ = samples; }

 private:
  Limits& limits_;
  const uint64_t samples_, bytes_;
  uint64_t kept_ = 0;
};

}  // namespace tocsin::query
