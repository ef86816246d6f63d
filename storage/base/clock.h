// The port through which everything but the composition root learns the time.
#pragma once

#include "storage/base/time.h"

namespace tocsin {

// Any thread may call any method at any time.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock. May jump in either direction.
  virtual Timestamp Now() const = 0;

  // For measuring how long something took and for deadlines.
  virtual MonotonicTime Monotonic() const = 0;
};

}  // namespace tocsin
