// Randomness as a port, so that jitter and ids are reproducible in tests.
#pragma once

#include <cstdint>

namespace tocsin {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;

  // Uniform in [0, 1).
  double NextDouble() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
};

}  // namespace tocsin
