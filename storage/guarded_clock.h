// The wall clock for decisions that delete data. A jump of more than an hour forward (also between
// stop and start) counts only after it has stood for an hour of monotonic time; until then the
// guarded time advances with the monotonic clock. A step back counts at once: it keeps more.
#pragma once

#include <optional>

#include "storage/base/time.h"

namespace tocsin::storage {

// One thread.
class GuardedClock {
 public:
  // `stored`: the guarded time when the database was last open.
  explicit GuardedClock(std::optional<Timestamp> stored) : time_(stored) {}

  // Takes a look at both clocks; call it every few minutes. Returns the guarded time.
  Timestamp Tick(Timestamp wall, MonotonicTime monotonic);

  // Whether a jump is waiting to be believed.
  bool doubts() const { return jump_since_.has_value(); }

 private:
  std::optional<Timestamp> time_;
  std::optional<MonotonicTime> last_;
  std::optional<MonotonicTime> jump_since_;
  Timestamp jump_to_;  // what the wall clock said at jump_since_
};

}  // namespace tocsin::storage
