// remote_write out: keeps a lane per endpoint in step with the configuration.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ingest/forward/forward_config.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/metrics.h"
#include "storage/base/scheduler.h"
#include "storage/base/transport.h"
#include "storage/kv_store.h"
#include "storage/model/labels.h"
#include "storage/queryable.h"
#include "storage/tail.h"

namespace tocsin::ingest {

// REQUIRES: all outlive the forwarder.
struct ForwardPorts {
  Clock& clock;
  Scheduler& scheduler;
  Executor& workers;  // reads, encodes; may wait for the disk
  Transport& transport;
  storage::TailSource& source;
  const storage::Queryable& store;  // for metadata
  storage::KvStore& kv;
  MetricRegistry& metrics;
};

// Thread-safe. A new endpoint begins with what is acknowledged from now on; a known one where it
// ended, however long ago, as far as the store still has it.
class Forwarder {
 public:
  Forwarder(const ForwardPorts& ports, std::string user_agent);
  // Stops sending at once: positions are durable.
  ~Forwarder();

  // Endpoints whose settings have not changed go on undisturbed.
  void Apply(const Labels& external_labels, const std::vector<ForwardConfig>& configs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::ingest
