// One pass of one group through the pipeline, without blocking a thread: mutes, then all
// integrations of the receiver at the same time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "alerting/pipeline/dedup.h"
#include "alerting/pipeline/retry.h"
#include "alerting/pipeline/stage.h"

namespace tocsin::alerting {

struct FlushResult {
  bool ok = true;                     // every integration was told, or needed nothing
  std::vector<std::string> muted_by;  // time intervals
};

class Flush : public std::enable_shared_from_this<Flush> {
 public:
  // `done` comes once, on a worker. REQUIRES: kept alive until then.
  Flush(PipelinePartsPtr parts, FlushInput input, std::function<void(FlushResult)> done);

  // Runs the mutes and starts sending. Call once, on a worker.
  void Start();

  // No retries any more (reload); what is on the wire may still be answered.
  void StopRetrying();
  // Ends at once, without calling `done`.
  void Abort();

 private:
  void Notify(const Integration& integration, const std::vector<NotifiedAlert>& alerts,
              const AlertHashes& hashes);
  void OnSent(const Integration& integration, const AlertHashes& hashes, DeliveryResult result);
  void OneDone(bool ok);
  NflogKey LogKey(const Integration& integration) const;
  std::string NameOf(const Integration& integration) const;

  const PipelinePartsPtr parts_;
  const FlushInput input_;

  std::mutex mutex_;
  FlushResult result_;
  size_t pending_ = 0;  // integrations
  bool stopped_ = false;
  std::vector<std::shared_ptr<RetryingSend>> sends_;
  std::function<void(FlushResult)> done_;
};

}  // namespace tocsin::alerting
