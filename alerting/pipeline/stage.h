// What flows through the notification pipeline of one flush: mutes -> per integration: dedup ->
// retry -> notification log.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alerting/config_types.h"
#include "alerting/inhibitor.h"
#include "alerting/metrics.h"
#include "alerting/nflog.h"
#include "alerting/notify/notifier.h"
#include "alerting/route.h"
#include "alerting/silences.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/random.h"
#include "storage/base/scheduler.h"

namespace tocsin::alerting {

// A built integration of a receiver.
struct Integration {
  std::string kind;
  uint32_t index = 0;
  bool send_resolved = false;
  std::unique_ptr<Notifier> notifier;
};

// Everything a configuration becomes when it is applied. Immutable but for the inhibitor's
// sources; flushes under way keep it alive over a reload.
struct Runtime {
  Runtime(ConfigPtr c, std::string url)
      : config(std::move(c)),
        routes(config->route),
        inhibitor(config->inhibit_rules),
        external_url(std::move(url)) {}

  const ConfigPtr config;
  const RouteTree routes;
  Inhibitor inhibitor;
  const std::string external_url;
  FunctionTable functions;
  std::map<std::string, std::vector<Integration>, std::less<>> receivers;
};

// What the stages work with; shared, as answers may come in after the end. REQUIRES: the ports
// outlive the flushes.
struct PipelineParts {
  Clock& clock;
  Scheduler& scheduler;
  Executor& workers;
  Random& random;
  std::shared_ptr<NotificationLog> log;
  std::shared_ptr<const SilenceStore> silences;
  std::shared_ptr<const AlertingMetrics> metrics;
  Duration retention{120 * 3'600'000};  // of entries of the log
};
using PipelinePartsPtr = std::shared_ptr<const PipelineParts>;

// A group as of one tick.
struct FlushInput {
  std::shared_ptr<const Runtime> runtime;
  const Route* route = nullptr;  // of the runtime
  std::string group_key;
  Labels group_labels;
  std::vector<NotifiedAlert> alerts;  // in the order of sending
  Timestamp now;                      // of the tick
  Timestamp told_at;                  // the log says this, or the true time if that is later
  MonotonicTime deadline;             // retries end here
};

}  // namespace tocsin::alerting
