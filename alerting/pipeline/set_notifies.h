// The last stage: remembers in the notification log what an integration was told.
#pragma once

#include <map>
#include <string>

#include "alerting/pipeline/dedup.h"
#include "alerting/pipeline/stage.h"

namespace tocsin::alerting {

// `told_at`: when, or the time now if that is later. Durable when it returns. A failure to write is logged and counted: the entry then lives in
// memory, and a restart may repeat the message.
void SetNotifies(const PipelineParts& parts, const NflogKey& key, const AlertHashes& hashes,
                 Timestamp told_at, Duration repeat_interval,
                 std::map<std::string, std::string> receiver_data);

}  // namespace tocsin::alerting
