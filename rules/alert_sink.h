// Where firing and resolved alerts go; the root connects it to the embedded Alertmanager and to
// external ones.
#pragma once

#include <vector>

#include "alerting/alert.h"

namespace tocsin::rules {

// Thread-safe; must not block.
class AlertSink {
 public:
  virtual ~AlertSink() = default;
  virtual void Send(std::vector<alerting::Alert> alerts) = 0;
};

}  // namespace tocsin::rules
