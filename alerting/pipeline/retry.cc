#include "alerting/pipeline/retry.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "storage/base/log.h"

namespace tocsin::alerting {
namespace {

constexpr double kFirstDelayMs = 500;
constexpr double kGrowth = 1.5;
constexpr double kMaxDelayMs = 60'000;
constexpr Duration kLastAnswerWithin{5'000};

Duration Left(MonotonicTime now, MonotonicTime deadline) {
  return std::chrono::duration_cast<Duration>(deadline - now);
}

}  // namespace

Duration RetryDelay(int attempt, double random) {
  const double base = std::min(kMaxDelayMs, kFirstDelayMs * std::pow(kGrowth, attempt));
  return Duration{static_cast<int64_t>(base * (0.5 + random))};
}

RetryingSend::RetryingSend(PipelinePartsPtr parts, const IntegrationMetrics& metrics,
                           std::string name, std::unique_ptr<Delivery> delivery,
                           MonotonicTime deadline, std::function<void(DeliveryResult)> done)
    : parts_(std::move(parts)),
      metrics_(metrics),
      name_(std::move(name)),
      deadline_(deadline),
      delivery_(std::move(delivery)),
      done_(std::move(done)) {}

void RetryingSend::Attempt() {
  std::unique_lock lock(mutex_);
  waiting_ = false;
  const MonotonicTime now = parts_->clock.Monotonic();
  const Duration left = Left(now, deadline_);
  if (stopped_ || left.count() <= 0) {
    DeliveryResult result = std::move(last_);
    if (result.status.ok()) {
      result.status = Error(ErrorCode::kTimeout, "no time left to send");
    }
    result.reason =
        stopped_ ? FailureReason::kContextCanceled : FailureReason::kContextDeadlineExceeded;
    lock.unlock();
    return Finish(std::move(result));
  }
  ++attempts_;
  metrics_.requests.Add();
  // The answer comes on the event loop; what follows it may render and write, so it goes back to
  // the workers.
  exchange_ = delivery_->Start(left, [self = shared_from_this(), now](DeliveryResult result) {
    self->parts_->workers.Post([self, now, result = std::move(result)]() mutable {
      self->OnAnswer(std::move(result), now);
    });
  });
}

void RetryingSend::OnAnswer(DeliveryResult result, MonotonicTime started) {
  metrics_.latency.Observe(ToSeconds(parts_->clock.Monotonic() - started));
  if (result.status.ok()) return Finish(std::move(result));
  metrics_.requests_failed.Add();
  if (!result.retry) return Finish(std::move(result));

  std::unique_ptr<Exchange> finished;  // freed outside the lock
  std::unique_lock lock(mutex_);
  finished = std::move(exchange_);
  if (attempts_ == 1) {
    log::Warn("A notification failed and will be tried again",
              {{"integration", name_}, {"error", result.status.error().message()}});
  }
  last_ = std::move(result);
  if (stopped_) {
    lock.unlock();
    return Attempt();
  }
  const Duration left = Left(parts_->clock.Monotonic(), deadline_);
  const Duration delay =
      std::min(RetryDelay(attempts_ - 1, parts_->random.NextDouble()), std::max(left, Duration{0}));
  waiting_ = true;
  timer_ = parts_->scheduler.After(delay, [weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->parts_->workers.Post([self] { self->Attempt(); });
    }
  });
}

void RetryingSend::StopRetrying() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_ = parts_->scheduler.After(waiting_ ? Duration{0} : kLastAnswerWithin,
                                   [weak = weak_from_this()] {
                                     if (auto self = weak.lock()) {
                                       self->parts_->workers.Post([self] { self->GiveUp(); });
                                     }
                                   });
}

void RetryingSend::GiveUp() {
  DeliveryResult result;
  result.status = Error(ErrorCode::kCanceled, "the configuration was replaced");
  result.reason = FailureReason::kContextCanceled;
  Finish(std::move(result));
}

void RetryingSend::Abort() {
  std::function<void(DeliveryResult)> done;
  std::unique_ptr<Exchange> exchange;
  std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_.Cancel();
  done.swap(done_);
  exchange.swap(exchange_);
}

void RetryingSend::Finish(DeliveryResult result) {
  std::function<void(DeliveryResult)> done;
  std::unique_ptr<Exchange> exchange;
  {
    std::lock_guard lock(mutex_);
    done = std::exchange(done_, nullptr);
    exchange = std::move(exchange_);
  }
  if (done) done(std::move(result));
}

}  // namespace tocsin::alerting
