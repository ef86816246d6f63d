// Sends one prepared message until it is accepted, refused for good, or out of time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "alerting/notify/notifier.h"
#include "alerting/pipeline/stage.h"

namespace tocsin::alerting {

// Backoff: 0.5 s, then 1.5 times more each try, randomized by half, at most a minute.
Duration RetryDelay(int attempt, double random);

// Attempts run on the workers, their answers come from the event loop; nothing blocks. Alive until
// `done` was called (on a worker).
class RetryingSend : public std::enable_shared_from_this<RetryingSend> {
 public:
  // `name` shows in the log ("receiver/webhook[0]").
  RetryingSend(PipelinePartsPtr parts, const IntegrationMetrics& metrics, std::string name,
               std::unique_ptr<Delivery> delivery, MonotonicTime deadline,
               std::function<void(DeliveryResult)> done);

  // REQUIRES: called once.
  void Start() { Attempt(); }

  // No further attempts (a reload); one under way may still be answered within five seconds.
  void StopRetrying();
  // Ends without an answer: `done` is dropped.
  void Abort();

 private:
  void Attempt();
  void OnAnswer(DeliveryResult result, MonotonicTime started);
  void GiveUp();
  void Finish(DeliveryResult result);

  const PipelinePartsPtr parts_;
  const IntegrationMetrics& metrics_;
  const std::string name_;
  const MonotonicTime deadline_;

  std::mutex mutex_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<Exchange> exchange_;
  Timer timer_;
  int attempts_ = 0;
  bool stopped_ = false;
  bool waiting_ = false;  // between two attempts
  DeliveryResult last_;
  std::function<void(DeliveryResult)> done_;  // empty when called
};

}  // namespace tocsin::alerting
