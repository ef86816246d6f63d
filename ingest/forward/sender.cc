#include "ingest/forward/sender.h"

#include <algorithm>
#include <utility>

#include "storage/base/log.h"
#include "storage/config/url.h"

namespace tocsin::ingest {
namespace {

constexpr uint64_t kMaxAnswerBytes = 64u << 10;
// Requests side by side: enough for 80,000 samples per second at 100 ms a request.
constexpr size_t kMaxShards = 4;
// A request is cut at most so often in a row without a part of it being taken (2^14 samples), and
// so often a round: what is left then is lost.
constexpr size_t kMaxRefusals = 14;
constexpr size_t kMaxCuts = 256;

bool SpeaksOfOrder(std::string_view reason) {
  for (const std::string_view text : {"out of order", "out-of-order", "out of bounds", "too old",
                                      "too-old", "duplicate sample", "duplicate-timestamp"})
    if (reason.find(text) != std::string_view::npos) return true;
  return false;
}

}  // namespace

size_t ShardsOf(const ForwardConfig& config) {
  return std::clamp<size_t>(config.max_shards, 1, kMaxShards);
}

std::shared_ptr<ForwardSender> ForwardSender::Create(const ForwardPorts& ports, TaskGate& gate,
                                                     const ForwardConfig& config,
                                                     const ForwardMetrics& metrics,
                                                     std::string user_agent, Strand& strand) {
  return std::shared_ptr<ForwardSender>(
      new ForwardSender(ports, gate, config, metrics, std::move(user_agent), strand));
}

ForwardSender::ForwardSender(const ForwardPorts& ports, TaskGate& gate, const ForwardConfig& config,
                             const ForwardMetrics& metrics, std::string user_agent, Strand& strand)
    : ports_(ports),
      gate_(gate),
      config_(config),
      metrics_(metrics),
      user_agent_(std::move(user_agent)),
      transport_(std::make_shared<const TransportConfig>(config_.transport)),
      strand_(strand) {
  for (size_t i = 0; i < ShardsOf(config_); ++i)
    shards_.push_back(std::make_unique<Shard>(config_));
}

void ForwardSender::Stop() {
  std::vector<std::unique_ptr<Exchange>> exchanges;  // ended outside the lock
  std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const auto& shard : shards_) {
    shard->timer.Cancel();
    exchanges.push_back(std::move(shard->exchange));
  }
  exchanges.push_back(std::move(metadata_exchange_));
}

TaskGate::Token ForwardSender::EnterUnlessStopped() {
  std::lock_guard lock(mutex_);
  return stopped_ ? nullptr : gate_.Enter();
}

void ForwardSender::Post(std::function<void()> step) {
  auto token = EnterUnlessStopped();
  if (token == nullptr) return;
  strand_.Post([self = shared_from_this(), step = std::move(step), token = std::move(token)] {
    // What was posted before Stop and runs after it does nothing.
    if (self->EnterUnlessStopped() != nullptr) step();
  });
}

void ForwardSender::SendRound(Round round, std::function<void()> done) {
  done_ = std::move(done);
  cuts_ = 0;
  refusal_logged_ = false;
  busy_ = std::min(round.shards.size(), shards_.size());
  metrics_.shards.Set(static_cast<double>(busy_));
  if (busy_ == 0) return Post(std::exchange(done_, nullptr));
  for (size_t i = 0; i < busy_; ++i) {
    for (Piece& piece : round.shards[i]) {
      piece.uncertain = round.uncertain;
      shards_[i]->pieces.push_back(std::move(piece));
    }
    Post([this, shard = shards_[i].get()] { Next(*shard); });
  }
}

void ForwardSender::DropUnwanted(Piece& piece) {
  const bool by_age = config_.sample_age_limit.count() > 0;
  if (!by_age && !refuses_order_) return;
  const Timestamp oldest = by_age ? ports_.clock.Now() - config_.sample_age_limit : kMinTimestamp;
  Piece kept;
  kept.uncertain = piece.uncertain;
  size_t late = 0;
  for (storage::TailSeries& series : piece.series) {
    if (series.late && refuses_order_) {
      late += series.times.size() + series.histograms.size();
      continue;
    }
    storage::TailSeries young;
    young.labels = std::move(series.labels);
    young.late = series.late;
    for (size_t i = 0; i < series.times.size(); ++i) {
      if (series.times[i] < oldest) continue;
      young.times.push_back(series.times[i]);
      young.values.push_back(series.values[i]);
    }
    for (auto& sample : series.histograms)
      if (sample.first >= oldest) young.histograms.push_back(std::move(sample));
    if (!young.times.empty() || !young.histograms.empty()) kept.Add(std::move(young));
  }
  metrics_.dropped_out_of_order.Add(static_cast<double>(late));
  metrics_.dropped_old.Add(static_cast<double>(piece.size() - late - kept.size()));
  piece = std::move(kept);
}

void ForwardSender::Next(Shard& shard) {
  while (!shard.pieces.empty()) {
    DropUnwanted(shard.pieces.front());
    if (shard.pieces.front().size() > 0) break;
    shard.pieces.pop_front();
  }
  if (shard.pieces.empty()) {
    if (--busy_ == 0) std::exchange(done_, nullptr)();
    return;
  }
  Encode(shard);
  shard.attempt = 0;
  shard.backoff.Reset();
  Send(shard);
}

void ForwardSender::Encode(Shard& shard) {
  for (const storage::TailSeries& series : shard.pieces.front().series) encoder_.AddSeries(series);
  shard.body = encoder_.Take();
}

// What has grown too old meanwhile is not sent again.
void ForwardSender::Retry(Shard& shard) {
  const size_t before = shard.pieces.front().size();
  DropUnwanted(shard.pieces.front());
  if (shard.pieces.front().size() == 0) return Finish(shard);
  if (shard.pieces.front().size() != before) Encode(shard);
  Send(shard);
}

HttpRequest ForwardSender::MakeRequest(std::string body, int attempt) const {
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url;
  request.headers = {{"Content-Encoding", "snappy"},
                     {"Content-Type", "application/x-protobuf"},
                     {"User-Agent", user_agent_},
                     {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
  if (attempt > 0) request.headers.emplace_back("Retry-Attempt", std::to_string(attempt));
  request.headers.insert(request.headers.end(), config_.headers.begin(), config_.headers.end());
  metrics_.bytes.Add(static_cast<double>(body.size()));
  request.body = std::move(body);
  request.timeout = config_.remote_timeout;
  request.max_response_bytes = kMaxAnswerBytes;
  request.config = transport_;
  return request;
}

void ForwardSender::Send(Shard& shard) {
  const MonotonicTime begin = ports_.clock.Monotonic();
  auto exchange = Fetch(
      ports_.transport, MakeRequest(shard.body, shard.attempt),
      [weak = weak_from_this(), &shard, begin](Result<HttpResponse> response,
                                               TransportPhase phase) {
        if (const auto self = weak.lock()) {
          self->Post([self = self.get(), &shard, begin, phase, response = std::move(response)] {
            self->OnAnswer(shard, response, phase, begin);
          });
        }
      });
  std::lock_guard lock(mutex_);
  if (!stopped_) shard.exchange = std::move(exchange);
}

void ForwardSender::OnAnswer(Shard& shard, const Result<HttpResponse>& response,
                             TransportPhase phase, MonotonicTime begin) {
  metrics_.batch_seconds.Observe(ToSeconds(ports_.clock.Monotonic() - begin));
  const SendOutcome outcome = Judge(config_, response, ports_.clock.Now());
  switch (outcome.kind) {
    case SendOutcome::Kind::kRetry:
      return OnRetry(shard, outcome, !response.ok() && phase > TransportPhase::kTls);
    case SendOutcome::Kind::kRefused:
      return OnRefused(shard, outcome, response->status);
    case SendOutcome::Kind::kDelivered:
      return OnDelivered(shard);
  }
}

void ForwardSender::OnRetry(Shard& shard, const SendOutcome& outcome, bool may_have_arrived) {
  metrics_.SetNewest(ports_.source.TailNewest());
  metrics_.retried.Add(shard.pieces.front());
  if (!std::exchange(retry_logged_, true)) {
    log::Warn("Endpoint does not take samples; they stay in the store until it does",
              {{"remote_name", config_.name},
               {"url", WithoutUrlPassword(config_.url)},
               {"err", outcome.reason}});
  }
  if (may_have_arrived) shard.pieces.front().uncertain = true;
  ++shard.attempt;
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  shard.timer =
      ports_.scheduler.After(shard.backoff.Next(outcome), [weak = weak_from_this(), &shard] {
        if (const auto self = weak.lock())
          self->Post([self = self.get(), &shard] { self->Retry(shard); });
      });
}

void ForwardSender::OnRefused(Shard& shard, const SendOutcome& outcome, int status) {
  const bool order = status == 400 && SpeaksOfOrder(outcome.reason);
  const bool arrived = order && shard.pieces.front().uncertain;
  if (order && !arrived && !std::exchange(refuses_order_, true)) {
    log::Warn("Endpoint refuses samples out of order; it gets none any more",
              {{"remote_name", config_.name},
               {"url", WithoutUrlPassword(config_.url)},
               {"err", outcome.reason}});
  }
  if (order && !arrived) {
    const size_t before = shard.pieces.front().size();
    DropUnwanted(shard.pieces.front());
    if (shard.pieces.front().size() != before) return Next(shard);
  }
  if ((status == 400 || status == 413) && Cut(shard)) return Next(shard);
  if (arrived) {
    // It was there already, and the answer got lost.
    metrics_.sent.Add(shard.pieces.front());
    return Finish(shard);
  }
  metrics_.failed.Add(shard.pieces.front());
  if (!std::exchange(refusal_logged_, true)) {
    log::Error("Endpoint refuses samples; they are not sent again",
               {{"remote_name", config_.name},
                {"url", WithoutUrlPassword(config_.url)},
                {"err", outcome.reason}});
  }
  Finish(shard);
}

bool ForwardSender::Cut(Shard& shard) {
  // Late samples always stand apart from the others.
  if (!shard.pieces.front().mixed()) {
    ++refused_in_a_row_;
    if (takes_nothing_ || cuts_ >= kMaxCuts) return false;
    if (shard.pieces.front().size() < 2 || refused_in_a_row_ > kMaxRefusals) {
      takes_nothing_ = refused_in_a_row_ >= kMaxRefusals;
      return false;
    }
    ++cuts_;
  }
  auto halves = Split(std::move(shard.pieces.front()));
  shard.pieces.front() = std::move(halves->second);
  shard.pieces.push_front(std::move(halves->first));
  return true;
}

void ForwardSender::OnDelivered(Shard& shard) {
  takes_nothing_ = false;
  refused_in_a_row_ = 0;
  metrics_.sent.Add(shard.pieces.front());
  for (const storage::TailSeries& series : shard.pieces.front().series) {
    for (const Timestamp t : series.times) newest_sent_ = std::max(newest_sent_, t);
    for (const auto& [t, value] : series.histograms) newest_sent_ = std::max(newest_sent_, t);
  }
  if (std::exchange(retry_logged_, false))
    log::Info("Endpoint takes samples again", {{"remote_name", config_.name}});
  Finish(shard);
}

void ForwardSender::Finish(Shard& shard) {
  shard.pieces.pop_front();
  Next(shard);
}

void ForwardSender::SendMetadata(std::string body, std::function<void(bool)> done) {
  auto exchange =
      Fetch(ports_.transport, MakeRequest(std::move(body), 0),
            [weak = weak_from_this(), done = std::move(done)](Result<HttpResponse> response,
                                                              TransportPhase) {
              const auto self = weak.lock();
              if (self == nullptr) return;
              const auto outcome = Judge(self->config_, response, self->ports_.clock.Now());
              self->Post([done, delivered = outcome.kind == SendOutcome::Kind::kDelivered] {
                done(delivered);
              });
            });
  std::lock_guard lock(mutex_);
  if (!stopped_) metadata_exchange_ = std::move(exchange);
}

}  // namespace tocsin::ingest
