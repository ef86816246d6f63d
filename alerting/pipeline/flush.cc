#include "alerting/pipeline/flush.h"

#include <algorithm>
#include <utility>

#include "alerting/pipeline/mute.h"
#include "alerting/pipeline/set_notifies.h"
#include "storage/base/log.h"

namespace tocsin::alerting {

Flush::Flush(PipelinePartsPtr parts, FlushInput input, std::function<void(FlushResult)> done)
    : parts_(std::move(parts)), input_(std::move(input)), done_(std::move(done)) {}

void Flush::Start() {
  MuteResult muted = ApplyMutes(input_, *parts_);
  const auto receiver = input_.runtime->receivers.find(input_.route->receiver);
  const bool nobody = receiver == input_.runtime->receivers.end() || receiver->second.empty();
  {
    std::lock_guard lock(mutex_);
    result_.muted_by = std::move(muted.muted_by);
    // One more than the integrations, so that none of them ends the flush while others start.
    pending_ = 1 + (nobody || muted.alerts.empty() ? 0 : receiver->second.size());
  }
  if (!nobody && !muted.alerts.empty()) {
    const AlertHashes hashes = HashAlerts(muted.alerts);
    for (const Integration& integration : receiver->second) {
      Notify(integration, muted.alerts, hashes);
    }
  }
  OneDone(true);
}

NflogKey Flush::LogKey(const Integration& integration) const {
  return {input_.group_key, input_.route->receiver, integration.kind, integration.index};
}

std::string Flush::NameOf(const Integration& integration) const {
  return input_.route->receiver + "/" + integration.kind + "[" + std::to_string(integration.index) +
         "]";
}

void Flush::Notify(const Integration& integration, const std::vector<NotifiedAlert>& alerts,
                   const AlertHashes& hashes) {
  parts_->metrics->nflog_queries.Add();
  const auto entry = parts_->log->Query(LogKey(integration));
  const std::string_view reason =
      NotifyReason(entry ? &*entry : nullptr, hashes, integration.send_resolved,
                   input_.route->repeat_interval, input_.now);
  if (reason.empty()) return OneDone(true);

  Notification n;
  n.group_key = input_.group_key;
  n.receiver = input_.route->receiver;
  n.reason = reason;
  n.group_labels = input_.group_labels;
  n.route_labels = input_.route->labels;
  n.now = input_.now;
  if (entry) n.receiver_data = entry->receiver_data;
  for (const NotifiedAlert& a : alerts) {
    if (!a.resolved || integration.send_resolved) n.alerts.push_back(a);
  }
  if (n.alerts.empty()) {  // only resolved ones, of which this integration does not hear
    SetNotifies(*parts_, LogKey(integration), hashes, input_.told_at, input_.route->repeat_interval,
                std::move(n.receiver_data));
    return OneDone(true);
  }

  const IntegrationMetrics& metrics = parts_->metrics->integration(integration.kind);
  metrics.notifications.Add();
  auto delivery = integration.notifier->Prepare(n);
  if (!delivery.ok()) {
    DeliveryResult failed;
    failed.status = delivery.error();
    return OnSent(integration, hashes, std::move(failed));
  }
  auto send = std::make_shared<RetryingSend>(
      parts_, metrics, NameOf(integration), std::move(*delivery), input_.deadline,
      [self = shared_from_this(), &integration, hashes](DeliveryResult result) {
        self->OnSent(integration, hashes, std::move(result));
      });
  bool stopped = false;
  {
    std::lock_guard lock(mutex_);
    stopped = stopped_;
    sends_.push_back(send);
  }
  if (stopped) send->StopRetrying();
  send->Start();
}

void Flush::OnSent(const Integration& integration, const AlertHashes& hashes,
                   DeliveryResult result) {
  if (result.status.ok()) {
    SetNotifies(*parts_, LogKey(integration), hashes, input_.told_at, input_.route->repeat_interval,
                std::move(result.receiver_data));
    return OneDone(true);
  }
  const auto& failed = parts_->metrics->integration(integration.kind).failed;
  if (const auto it = failed.find(result.reason); it != failed.end()) it->second.Add();
  log::Error("A notification could not be delivered; it is tried again at the next flush",
             {{"integration", NameOf(integration)},
              {"group", input_.group_key},
              {"error", result.status.error().message()}});
  OneDone(false);
}

void Flush::OneDone(bool ok) {
  std::function<void(FlushResult)> done;
  FlushResult result;
  {
    std::lock_guard lock(mutex_);
    result_.ok = result_.ok && ok;
    if (--pending_ > 0) return;
    sends_.clear();
    done = std::exchange(done_, nullptr);
    result = result_;
  }
  if (done) done(std::move(result));
}

void Flush::StopRetrying() {
  std::vector<std::shared_ptr<RetryingSend>> sends;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    sends = sends_;
  }
  for (const auto& send : sends) send->StopRetrying();
}

void Flush::Abort() {
  std::vector<std::shared_ptr<RetryingSend>> sends;
  std::function<void(FlushResult)> done;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    done.swap(done_);
    sends.swap(sends_);
  }
  for (const auto& send : sends) send->Abort();
}

}  // namespace tocsin::alerting
