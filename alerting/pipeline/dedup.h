// Whether an integration must be told, given what it was told last.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "alerting/nflog.h"
#include "alerting/notify/notifier.h"

namespace tocsin::alerting {

// Sorted hashes of the alerts of one notification.
struct AlertHashes {
  std::vector<uint64_t> firing, resolved;
};
AlertHashes HashAlerts(const std::vector<NotifiedAlert>& alerts);

// The reason to send, as templates and webhooks show it; empty: nothing to do. `entry` null:
// nothing was sent yet (or long ago).
std::string_view NotifyReason(const NflogEntry* entry, const AlertHashes& now_known,
                              bool send_resolved, Duration repeat_interval, Timestamp now);

}  // namespace tocsin::alerting
