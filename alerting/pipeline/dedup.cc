#include "alerting/pipeline/dedup.h"

#include <algorithm>

#include "storage/base/coding.h"

namespace tocsin::alerting {
namespace {

bool Includes(const std::vector<uint64_t>& all, const std::vector<uint64_t>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

AlertHashes HashAlerts(const std::vector<NotifiedAlert>& alerts) {
  AlertHashes out;
  for (const NotifiedAlert& a : alerts) {
    (a.resolved ? out.resolved : out.firing).push_back(XxHash64(a.alert->labels.packed()));
  }
  std::sort(out.firing.begin(), out.firing.end());
  std::sort(out.resolved.begin(), out.resolved.end());
  return out;
}

std::string_view NotifyReason(const NflogEntry* entry, const AlertHashes& now_known,
                              bool send_resolved, Duration repeat_interval, Timestamp now) {
  if (entry == nullptr) return now_known.firing.empty() ? "" : "first notification";
  if (!Includes(entry->firing, now_known.firing)) {
    return entry->firing.empty() ? "first notification" : "new alerts added";
  }
  // Sent whether or not the integration hears of resolved alerts, so that the log is cleared.
  if (now_known.firing.empty()) return entry->firing.empty() ? "" : "all alerts resolved";
  if (send_resolved && !Includes(entry->resolved, now_known.resolved)) {
    return "some alerts resolved";
  }
  return entry->time < now - repeat_interval ? "repeat interval elapsed" : "";
}

}  // namespace tocsin::alerting
