// Carries the pieces of one round to an endpoint: shard by shard one request after the other, each
// until it is answered for. What that means: delivered, or refused for good and counted.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ingest/forward/encoder.h"
#include "ingest/forward/forward_metrics.h"
#include "ingest/forward/forwarder.h"
#include "ingest/forward/piece.h"
#include "ingest/forward/retry.h"
#include "ingest/task_gate.h"
#include "storage/base/executor.h"

namespace tocsin::ingest {

// How many requests may be under way side by side.
size_t ShardsOf(const ForwardConfig& config);

// A refused request (400, 413) is cut in two until what the endpoint does not like stands alone, so
// that one bad sample does not cost the others: Prometheus refuses requests as a whole. An endpoint
// that takes nothing at all is not asked so often.
//
// SendRound and SendMetadata on the strand; Stop: any thread.
class ForwardSender : public std::enable_shared_from_this<ForwardSender> {
 public:
  struct Round {
    std::vector<std::vector<Piece>> shards;
    // It may have arrived before, before this process: then "out of order" says that it has.
    bool uncertain = false;
  };

  static std::shared_ptr<ForwardSender> Create(const ForwardPorts& ports, TaskGate& gate,
                                               const ForwardConfig& config,
                                               const ForwardMetrics& metrics,
                                               std::string user_agent, Strand& strand);

  // `done` on the strand, when all is answered for. REQUIRES: the round before is.
  void SendRound(Round round, std::function<void()> done);
  // Once; `done` is told whether it was taken.
  void SendMetadata(std::string body, std::function<void(bool delivered)> done);
  // Nothing is sent or called back any more.
  void Stop();

  // The endpoint has refused a sample for its time. On the strand.
  bool refuses_order() const { return refuses_order_; }
  Timestamp newest_sent() const { return newest_sent_; }

 private:
  struct Shard {
    explicit Shard(const ForwardConfig& config) : backoff(config) {}
    std::deque<Piece> pieces;  // the first is under way
    std::string body;
    int attempt = 0;
    Backoff backoff;
    Timer timer;                         // guarded by mutex_
    std::unique_ptr<Exchange> exchange;  // guarded by mutex_
  };

  ForwardSender(const ForwardPorts& ports, TaskGate& gate, const ForwardConfig& config,
                const ForwardMetrics& metrics, std::string user_agent, Strand& strand);

  TaskGate::Token EnterUnlessStopped();
  void Post(std::function<void()> step);

  // All on the strand.
  void Next(Shard& shard);
  void Encode(Shard& shard);
  void Send(Shard& shard);
  void Retry(Shard& shard);
  void OnAnswer(Shard& shard, const Result<HttpResponse>& response, TransportPhase phase,
                MonotonicTime begin);
  void OnRetry(Shard& shard, const SendOutcome& outcome, bool may_have_arrived);
  void OnRefused(Shard& shard, const SendOutcome& outcome, int status);
  void OnDelivered(Shard& shard);
  void Finish(Shard& shard);
  // Whether the piece was cut; what cannot be cut is lost.
  bool Cut(Shard& shard);
  // Samples that the endpoint does not want: too old, or late where it refuses them.
  void DropUnwanted(Piece& piece);
  HttpRequest MakeRequest(std::string body, int attempt) const;

  const ForwardPorts ports_;
  TaskGate& gate_;
  const ForwardConfig config_;
  const ForwardMetrics metrics_;
  const std::string user_agent_;
  const std::shared_ptr<const TransportConfig> transport_;
  Strand& strand_;

  // Touched on the strand only, but for what says otherwise.
  std::vector<std::unique_ptr<Shard>> shards_;
  size_t busy_ = 0;  // shards of the round that are not done
  std::function<void()> done_;
  bool refuses_order_ = false;
  bool takes_nothing_ = false;  // the last request that could be cut was refused to its last sample
  size_t refused_in_a_row_ = 0;
  size_t cuts_ = 0;  // of this round
  bool refusal_logged_ = false;
  bool retry_logged_ = false;
  Timestamp newest_sent_ = kMinTimestamp;
  WriteRequestEncoder encoder_;

  std::mutex mutex_;  // guards what follows, and what says so above
  bool stopped_ = false;
  std::unique_ptr<Exchange> metadata_exchange_;
};

}  // namespace tocsin::ingest
