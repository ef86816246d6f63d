// Sends alerts to the Alertmanagers that prometheus.yml names, beside the embedded one. Each has a
// queue and a connection of its own, so that one which hangs delays no other. What a receiver does
// not take is not sent again: the rules repeat what still holds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alerting/alert.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/metrics.h"
#include "storage/base/result.h"
#include "storage/base/transport.h"
#include "storage/config/transport_config.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/relabel.h"

namespace tocsin::alerting {

// One element of `alerting.alertmanagers`, without its discovery.
struct ExternalAlertmanagers {
  std::string scheme = "http";
  std::string path_prefix = "/";
  Duration timeout{10'000};
  std::shared_ptr<const TransportConfig> transport;
  std::vector<RelabelConfig> relabel_configs;        // of targets
  std::vector<RelabelConfig> alert_relabel_configs;  // of alerts
};

// Reads the element's own keys from `map`; the caller reads the discovery keys and finishes.
Result<ExternalAlertmanagers> ReadExternalAlertmanagers(StrictMap& map,
                                                        const std::string& base_file);

// REQUIRES: all outlive the sender.
struct ExternalSenderPorts {
  const Clock& clock;
  Executor& workers;  // writes the bodies
  Transport& transport;
  MetricRegistry& metrics;
};

// Thread-safe.
class ExternalSender {
 public:
  static constexpr size_t kQueueCapacity = 10'000;  // the oldest are dropped
  static constexpr size_t kBatch = 256;

  explicit ExternalSender(const ExternalSenderPorts& ports);
  // Drops what is queued.
  ~ExternalSender();

  // Replaces the elements; each is without targets until SetTargets.
  void Apply(std::vector<ExternalAlertmanagers> elements);
  // What discovery found for element `index`: label sets with __address__. Queues of addresses that
  // stay are kept. An index of before the last Apply is ignored when out of range.
  void SetTargets(size_t index, const std::vector<Labels>& discovered);

  // Queues for every target. Does not block.
  void Send(const std::vector<Alert>& alerts);

  // URLs that alerts go to / that relabelling dropped.
  struct Targets {
    std::vector<std::string> active, dropped;
  };
  Targets targets() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::alerting
