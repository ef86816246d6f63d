// Sends what the store acknowledges to one endpoint, round after round, and remembers durably how
// far it has come: an outage of the endpoint or of tocsin delays samples and loses none that the
// store still has.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ingest/forward/cursor.h"
#include "ingest/forward/forwarder.h"
#include "ingest/forward/sender.h"
#include "ingest/task_gate.h"
#include "storage/base/executor.h"
#include "storage/tail.h"

namespace tocsin::ingest {

// Samples of a series go out in the order in which the store has taken them. Start and Stop: any
// thread; the rest happens on its strand.
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
  void Open();
  Status OpenAtCursor();
  void Step();
  // Reads on until the round is full or nothing is left. Whether the round is to go now.
  Result<bool> Gather();
  void Take(storage::TailBatch batch);
  // External labels and relabelling; false: the series is not for this endpoint.
  bool Relabel(storage::TailSeries& series);
  void DropUnsupported(storage::TailSeries& series);
  void Report(const std::vector<storage::TailGap>& gaps);
  void SendRound();
  void OnRoundDone();
  void QueueMetadata();
  void SendMetadata();
  void SavePosition();

  const ForwardPorts ports_;
  TaskGate& gate_;
  const ForwardConfig config_;
  const Labels external_labels_;
  const ForwardMetrics metrics_;
  Strand strand_;
  const std::shared_ptr<ForwardSender> sender_;

  // Touched on strand_ only.
  ForwardCursor cursor_;
  ForwardPosition position_;
  std::unique_ptr<storage::Tail> tail_;
  // Being gathered, or being sent.
  struct Round {
    std::vector<storage::TailSeries> series;
    size_t size = 0;       // of series
    size_t read = 0;       // from the store, dropped ones among them
    std::string position;  // behind it; empty: nothing was read
    MonotonicTime since;
  };
  Round round_;
  bool more_ = false;  // the store has more to read now
  size_t resume_ = 0;  // samples that the first round has to have again: they may have arrived
  Timestamp last_metadata_;
  std::vector<std::pair<std::string, Metadata>> metadata_queue_;
  LabelsBuilder builder_;

  std::mutex mutex_;  // guards what follows
  bool stopped_ = false;
  Timer timer_;
};

}  // namespace tocsin::ingest
