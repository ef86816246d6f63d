// The real clock and the real randomness. Only the root makes them; everything else is handed a
// port.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/random.h"

namespace tocsin {

class SystemClock final : public Clock {
 public:
  Timestamp Now() const override;
  MonotonicTime Monotonic() const override;
};

// A counter mixed with a secret of the kernel: good for jitter and ids, not for keys.
class SystemRandom final : public Random {
 public:
  SystemRandom();
  uint64_t Next() override;

 private:
  std::atomic<uint64_t> state_;
};

std::string HostName();

// Bytes of memory this process may use: the machine's, or its cgroup's when that is less.
uint64_t MachineMemory();

}  // namespace tocsin
