#include "ingest/forward/lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "storage/base/log.h"
#include "storage/config/url.h"

namespace tocsin::ingest {
namespace {

// A window holds about this many requests: enough to keep the reading cheap, few enough to hold.
constexpr size_t kRequestsPerWindow = 10;
constexpr Duration kNarrowest{1'000};
constexpr Duration kWidest{600'000};
constexpr uint64_t kMaxAnswerBytes = 64u << 10;

MetricLabels LabelsOf(const ForwardConfig& config) {
  return {{"remote_name", config.name}, {"url", WithoutUrlPassword(config.url)}};
}
MetricLabels WithReason(const ForwardConfig& config, const char* reason) {
  MetricLabels labels = LabelsOf(config);
  labels["reason"] = reason;
  return labels;
}
constexpr char kDropped[] = "prometheus_remote_storage_samples_dropped_total";
constexpr char kDroppedHelp[] = "Samples read from the store and not sent.";

}  // namespace

ForwardMetrics::ForwardMetrics(MetricRegistry& r, const ForwardConfig& c)
    : samples(r.GetCounter("prometheus_remote_storage_samples_total",
                           "Samples sent to remote storage.", LabelsOf(c))),
      failed(r.GetCounter("prometheus_remote_storage_samples_failed_total",
                          "Samples which failed on send to remote storage, non-recoverable errors.",
                          LabelsOf(c))),
      retried(r.GetCounter("prometheus_remote_storage_samples_retried_total",
                           "Samples which failed on send to remote storage but were retried.",
                           LabelsOf(c))),
      dropped_relabelled(r.GetCounter(kDropped, kDroppedHelp, WithReason(c, "dropped_series"))),
      dropped_old(r.GetCounter(kDropped, kDroppedHelp, WithReason(c, "too_old"))),
      dropped_histograms(r.GetCounter(kDropped, kDroppedHelp, WithReason(c, "histogram"))),
      bytes(r.GetCounter("prometheus_remote_storage_bytes_total",
                         "Bytes of data sent by queue, after compression.", LabelsOf(c))),
      metadata(r.GetCounter("prometheus_remote_storage_metadata_total",
                            "Metadata entries sent to remote storage.", LabelsOf(c))),
      metadata_failed(r.GetCounter("prometheus_remote_storage_metadata_failed_total",
                                   "Metadata entries which failed on send to remote storage.",
                                   LabelsOf(c))),
      pending(r.GetGauge("prometheus_remote_storage_samples_pending",
                         "Samples read and not yet answered for.", LabelsOf(c))),
      highest_sent(r.GetGauge("prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                              "Time up to which all samples have been answered for.",
                              LabelsOf(c))) {}

std::shared_ptr<ForwardLane> ForwardLane::Create(const ForwardPorts& ports, TaskGate& gate,
                                                 ForwardConfig config, Labels external_labels,
                                                 std::string user_agent) {
  return std::shared_ptr<ForwardLane>(new ForwardLane(
      ports, gate, std::move(config), std::move(external_labels), std::move(user_agent)));
}

ForwardLane::ForwardLane(const ForwardPorts& ports, TaskGate& gate, ForwardConfig config,
                         Labels external_labels, std::string user_agent)
    : ports_(ports),
      gate_(gate),
      config_(std::move(config)),
      external_labels_(std::move(external_labels)),
      user_agent_(std::move(user_agent)),
      transport_(std::make_shared<const TransportConfig>(config_.transport)),
      metrics_(ports.metrics, config_),
      strand_(ports.workers),
      cursor_(ports.kv, config_.name),
      backoff_(config_) {}

void ForwardLane::Start() { Post(std::mem_fn(&ForwardLane::LoadPosition)); }

void ForwardLane::Stop() {
  std::unique_ptr<Exchange> exchange;  // ended outside the lock
  std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_.Cancel();
  exchange = std::move(exchange_);
}

TaskGate::Token ForwardLane::EnterUnlessStopped() {
  std::lock_guard lock(mutex_);
  return stopped_ ? nullptr : gate_.Enter();
}

void ForwardLane::Post(std::function<void(ForwardLane&)> step) {
  auto token = EnterUnlessStopped();
  if (token == nullptr) return;
  strand_.Post([self = shared_from_this(), step = std::move(step), token = std::move(token)] {
    // What was posted before Stop and runs after it does nothing.
    if (self->EnterUnlessStopped() != nullptr) step(*self);
  });
}

void ForwardLane::After(Duration delay, void (ForwardLane::*step)()) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  timer_ = ports_.scheduler.After(delay, [weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) self->Post(std::mem_fn(step));
  });
}

void ForwardLane::LoadPosition() {
  auto position = cursor_.Load();
  if (!position.ok()) {
    log::Error("Forwarding starts anew",
               {{"remote_name", config_.name}, {"err", position.error().message()}});
  }
  if (position.ok() && *position) {
    position_ = **position;
    resuming_ = position_.to > position_.from;
  } else {
    const Timestamp now = ports_.clock.Now();
    position_ = {now, now, 0};
    SavePosition();
  }
  Step();
}

void ForwardLane::Step() {
  QueueMetadata();
  if (!window_) {
    const Timestamp settled = ports_.clock.Now() - ports_.settle;
    const Timestamp to = resuming_ ? position_.to : std::min(position_.from + width_, settled);
    if (to <= position_.from) {
      if (!metadata_queue_.empty()) return SendMetadata();
      return After(config_.batch_send_deadline, &ForwardLane::Step);
    }
    if (auto status = OpenWindow(to); !status.ok()) {
      log::Error("Forwarding cannot read the store; it will try again",
                 {{"remote_name", config_.name}, {"err", status.error().message()}});
      return After(config_.max_backoff, &ForwardLane::Step);
    }
  }
  SendNext();
}

Status ForwardLane::OpenWindow(Timestamp to) {
  TOCSIN_ASSIGN(ForwardWindow window, ReadForwardWindow(ports_.store, position_.from, to));
  metrics_.dropped_histograms.Add(static_cast<double>(window.histograms));
  Relabel(window);
  const size_t wanted = kRequestsPerWindow * config_.max_samples_per_send;
  if (window.samples > 2 * wanted) width_ = std::max(width_ / 2, kNarrowest);
  if (window.samples < wanted / 2) width_ = std::min(width_ * 2, kWidest);
  position_.to = to;
  if (!resuming_) {
    position_.sent = 0;
    SavePosition();
  }
  metrics_.pending.Set(static_cast<double>(window.samples));
  window_ = std::move(window);
  series_ = sample_ = 0;
  refusal_logged_ = false;
  // Past what was answered for before: the same window gives the same requests.
  uncertain_ = std::exchange(resuming_, false);
  const uint64_t sent = position_.sent;
  for (uint64_t i = 0; i < sent && series_ < window_->series.size(); ++i) {
    EncodeRequest();
    (void)encoder_.Take();
    series_ = next_series_;
    sample_ = next_sample_;
  }
  return OkStatus();
}

void ForwardLane::Relabel(ForwardWindow& window) {
  if (external_labels_.empty() && config_.write_relabel_configs.empty()) return;
  LabelsBuilder builder;
  size_t kept = 0;
  for (ForwardWindow::Series& series : window.series) {
    builder.Reset(series.labels);
    for (const Label& label : external_labels_) {
      if (builder.Get(label.name).empty()) builder.Set(label.name, label.value);
    }
    const bool keep = tocsin::Relabel(config_.write_relabel_configs, builder);
    series.labels = keep ? builder.Build() : Labels();
    if (series.labels.empty()) {
      metrics_.dropped_relabelled.Add(static_cast<double>(series.times.size()));
      window.samples -= series.times.size();
      continue;
    }
    std::swap(window.series[kept++], series);
  }
  window.series.resize(kept);
}

void ForwardLane::QueueMetadata() {
  if (!config_.send_metadata || !metadata_queue_.empty()) return;
  const Timestamp now = ports_.clock.Now();
  if (now - last_metadata_ < config_.metadata_interval && now >= last_metadata_) return;
  last_metadata_ = now;
  metadata_queue_ = ports_.store.MetricMetadata("");
}

void ForwardLane::SendNext() {
  if (!metadata_queue_.empty() && attempt_ == 0) return SendMetadata();
  // Requests whose samples have all become too old are answered for at once.
  while (series_ < window_->series.size()) {
    EncodeRequest();
    if (in_request_ != 0) return Send(encoder_.Take(), &ForwardLane::OnSamplesAnswered);
    series_ = next_series_;
    sample_ = next_sample_;
    ++position_.sent;
  }
  position_ = {window_->to, window_->to, 0};
  window_.reset();
  SavePosition();
  metrics_.pending.Set(0);
  metrics_.highest_sent.Set(position_.from.seconds());
  Post(std::mem_fn(&ForwardLane::Step));
}

void ForwardLane::EncodeRequest() {
  const Timestamp oldest = config_.sample_age_limit.count() == 0
                               ? kMinTimestamp
                               : ports_.clock.Now() - config_.sample_age_limit;
  next_series_ = series_;
  next_sample_ = sample_;
  in_request_ = 0;
  for (uint64_t left = config_.max_samples_per_send;
       left > 0 && next_series_ < window_->series.size();) {
    const ForwardWindow::Series& series = window_->series[next_series_];
    const size_t count = std::min<size_t>(left, series.times.size() - next_sample_);
    auto times = std::span(series.times).subspan(next_sample_, count);
    auto values = std::span(series.values).subspan(next_sample_, count);
    left -= count;
    next_sample_ += count;
    if (next_sample_ == series.times.size()) {
      ++next_series_;
      next_sample_ = 0;
    }
    const auto old =
        static_cast<size_t>(std::lower_bound(times.begin(), times.end(), oldest) - times.begin());
    if (old == count) continue;
    encoder_.AddSeries(series.labels, times.subspan(old), values.subspan(old));
    in_request_ += count - old;
  }
}

void ForwardLane::SendMetadata() {
  const size_t count = std::min<size_t>(config_.metadata_per_send, metadata_queue_.size());
  for (size_t i = 0; i < count; ++i) {
    encoder_.AddMetadata(metadata_queue_.back().first, metadata_queue_.back().second);
    metadata_queue_.pop_back();
  }
  in_request_ = count;
  Send(encoder_.Take(), &ForwardLane::OnMetadataAnswered);
}

void ForwardLane::Send(std::string body, void (ForwardLane::*done)(const Result<HttpResponse>&)) {
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url;
  request.headers = {{"Content-Encoding", "snappy"},
                     {"Content-Type", "application/x-protobuf"},
                     {"User-Agent", user_agent_},
                     {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
  if (attempt_ > 0) request.headers.emplace_back("Retry-Attempt", std::to_string(attempt_));
  request.headers.insert(request.headers.end(), config_.headers.begin(), config_.headers.end());
  metrics_.bytes.Add(static_cast<double>(body.size()));
  request.body = std::move(body);
  request.timeout = config_.remote_timeout;
  request.max_response_bytes = kMaxAnswerBytes;
  request.config = transport_;
  auto exchange =
      Fetch(ports_.transport, std::move(request),
            [weak = weak_from_this(), done](Result<HttpResponse> response, TransportPhase) {
              if (const auto self = weak.lock()) {
                self->Post([done, response = std::move(response)](ForwardLane& lane) {
                  (lane.*done)(response);
                });
              }
            });
  std::lock_guard lock(mutex_);
  if (!stopped_) exchange_ = std::move(exchange);
}

void ForwardLane::OnSamplesAnswered(const Result<HttpResponse>& response) {
  const SendOutcome outcome = Judge(config_, response, ports_.clock.Now());
  const auto count = static_cast<double>(in_request_);
  switch (outcome.kind) {
    case SendOutcome::Kind::kRetry:
      metrics_.retried.Add(count);
      if (!std::exchange(retry_logged_, true)) {
        log::Warn("Endpoint does not take samples; they stay in the store until it does",
                  {{"remote_name", config_.name},
                   {"url", WithoutUrlPassword(config_.url)},
                   {"err", outcome.reason}});
      }
      uncertain_ = true;
      ++attempt_;
      return After(backoff_.Next(outcome), &ForwardLane::SendNext);
    case SendOutcome::Kind::kRefused:
      // A request that may have arrived before is refused as out of order when it has.
      if (uncertain_ && response.ok() && response->status == 400) {
        metrics_.samples.Add(count);
        break;
      }
      metrics_.failed.Add(count);
      if (!std::exchange(refusal_logged_, true)) {
        log::Error("Endpoint refuses samples; they are not sent again",
                   {{"remote_name", config_.name},
                    {"url", WithoutUrlPassword(config_.url)},
                    {"err", outcome.reason}});
      }
      break;
    case SendOutcome::Kind::kDelivered:
      metrics_.samples.Add(count);
      if (std::exchange(retry_logged_, false))
        log::Info("Endpoint takes samples again", {{"remote_name", config_.name}});
      break;
  }
  Advance();
}

void ForwardLane::OnMetadataAnswered(const Result<HttpResponse>& response) {
  const SendOutcome outcome = Judge(config_, response, ports_.clock.Now());
  const auto count = static_cast<double>(in_request_);
  // Comes again next time: not worth holding samples up.
  if (outcome.kind == SendOutcome::Kind::kDelivered) {
    metrics_.metadata.Add(count);
  } else {
    metrics_.metadata_failed.Add(count);
    metadata_queue_.clear();
  }
  Step();
}

void ForwardLane::Advance() {
  series_ = next_series_;
  sample_ = next_sample_;
  ++position_.sent;
  uncertain_ = false;
  attempt_ = 0;
  backoff_.Reset();
  SavePosition();
  SendNext();
}

void ForwardLane::SavePosition() {
  if (auto status = cursor_.Save(position_); !status.ok()) {
    log::Error("Forwarding cannot save its position; samples may be sent twice after a restart",
               {{"remote_name", config_.name}, {"err", status.error().message()}});
  }
}

}  // namespace tocsin::ingest
