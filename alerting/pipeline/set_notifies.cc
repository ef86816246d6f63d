#include "alerting/pipeline/set_notifies.h"

#include <algorithm>

#include "storage/base/log.h"

namespace tocsin::alerting {
void SetNotifies(const PipelineParts& parts, const NflogKey& key, const AlertHashes& hashes,
                 Timestamp told_at, Duration repeat_interval,
                 std::map<std::string, std::string> receiver_data) {
  NflogEntry entry;
  entry.time = std::max(parts.clock.Now(), told_at);
  entry.expires_at = entry.time + std::min(parts.retention, 2 * repeat_interval);
  entry.firing = hashes.firing;
  entry.resolved = hashes.resolved;
  entry.receiver_data = std::move(receiver_data);
  if (auto status = parts.log->Log(key, std::move(entry)); !status.ok()) {
    parts.metrics->nflog_errors.Add();
    log::Error("The notification log could not be written; a restart may repeat a message",
               {{"group", key.group_key}, {"error", status.error().message()}});
  }
}

}  // namespace tocsin::alerting
