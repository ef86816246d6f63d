// Sends what the store holds to one endpoint, window of time after window of time, and remembers
// durably how far it has come: an outage of the endpoint or of tocsin delays samples and loses
// none that the store still has.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ingest/forward/cursor.h"
#include "ingest/forward/encoder.h"
#include "ingest/forward/forwarder.h"
#include "ingest/forward/retry.h"
#include "ingest/forward/source.h"
#include "ingest/task_gate.h"
#include "storage/base/executor.h"

namespace tocsin::ingest {

// Counters of one endpoint; names are Prometheus'.
struct ForwardMetrics {
  ForwardMetrics(MetricRegistry& registry, const ForwardConfig& config);

  Counter samples, failed, retried, dropped_relabelled, dropped_old, dropped_histograms, bytes;
  Counter metadata, metadata_failed;
  Gauge pending, highest_sent;
};

// One request is under way at a time, so that the samples of every series arrive in order. Start
// and Stop: any thread; the rest happens on its strand.
class ForwardLane : public std::enable_shared_from_this<ForwardLane> {
 public:
  static std::shared_ptr<ForwardLane> Create(const ForwardPorts& ports, TaskGate& gate,
                                             ForwardConfig config, Labels external_labels,
                                             std::string user_agent);
  void Start();
  // Nothing is sent any more; what was not answered for is sent again by the next lane of that
  // name.
  void Stop();

  const ForwardConfig& config() const { return config_; }
  const Labels& external_labels() const { return external_labels_; }

 private:
  ForwardLane(const ForwardPorts& ports, TaskGate& gate, ForwardConfig config,
              Labels external_labels, std::string user_agent);

  TaskGate::Token EnterUnlessStopped();
  void Post(std::function<void(ForwardLane&)> step);
  void After(Duration delay, void (ForwardLane::*step)());

  // On strand_.
  void LoadPosition();
  void Step();
  Status OpenWindow(Timestamp to);
  void Relabel(ForwardWindow& window);
  void QueueMetadata();
  void SendNext();
  void SendMetadata();
  void EncodeRequest();
  void Send(std::string body, void (ForwardLane::*done)(const Result<HttpResponse>&));
  void OnSamplesAnswered(const Result<HttpResponse>& response);
  void OnMetadataAnswered(const Result<HttpResponse>& response);
  void Advance();
  void SavePosition();

  const ForwardPorts ports_;
  TaskGate& gate_;
  const ForwardConfig config_;
  const Labels external_labels_;
  const std::string user_agent_;
  const std::shared_ptr<const TransportConfig> transport_;
  const ForwardMetrics metrics_;
  Strand strand_;

  // Touched on strand_ only.
  ForwardCursor cursor_;
  ForwardPosition position_;
  bool resuming_ = false;  // the window of position_ was begun before this lane
  Duration width_{10'000};
  std::optional<ForwardWindow> window_;
  size_t series_ = 0, sample_ = 0;  // where the request begins
  size_t next_series_ = 0, next_sample_ = 0;
  size_t in_request_ = 0;
  // The request may have arrived before: its answer got lost, or this process did.
  bool uncertain_ = false;
  int attempt_ = 0;
  bool refusal_logged_ = false;
  bool retry_logged_ = false;
  Backoff backoff_;
  WriteRequestEncoder encoder_;
  Timestamp last_metadata_;
  std::vector<std::pair<std::string, Metadata>> metadata_queue_;

  std::mutex mutex_;  // guards what follows
  bool stopped_ = false;
  Timer timer_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace tocsin::ingest
