// An alert as it travels from rules (or the API) to receivers.
#pragma once

#include <memory>
#include <string>

#include "storage/base/time.h"
#include "storage/model/labels.h"

namespace tocsin::alerting {

struct Alert {
  Labels labels;
  Labels annotations;
  Timestamp starts_at;
  Timestamp ends_at;  // resolved when <= now
  Timestamp updated_at;
  bool timeout = false;  // ends_at was not given: it is updated_at + resolve_timeout
  std::string generator_url;

  uint64_t fingerprint() const { return labels.Fingerprint(); }
  bool ResolvedAt(Timestamp now) const { return ends_at <= now; }
};

// Alerts are shared, not copied: by the store, the groups and what is under way to receivers.
using AlertPtr = std::shared_ptr<const Alert>;

}  // namespace tocsin::alerting
