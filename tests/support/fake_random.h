// Reproducible randomness.
#pragma once

#include <mutex>
#include <random>

#include "storage/base/random.h"

namespace tocsin::testing {

class FakeRandom final : public Random {
 public:
  explicit FakeRandom(uint64_t seed = 1) : engine_(seed) {}
  uint64_t Next() override {
    std::lock_guard lock(mutex_);
    return engine_();
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace tocsin::testing
