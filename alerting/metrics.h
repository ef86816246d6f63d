// The folder's own metrics, under Alertmanager's names.
#pragma once

#include <map>
#include <string>

#include "alerting/notify/notifier.h"
#include "storage/base/metrics.h"

namespace tocsin::alerting {

struct IntegrationMetrics {
  Counter notifications;  // flushes that sent, or tried to
  Counter requests;       // every attempt
  Counter requests_failed;
  HistogramMetric latency;
  std::map<FailureReason, Counter> failed;
};

struct AlertingMetrics {
  explicit AlertingMetrics(MetricRegistry& registry);

  const IntegrationMetrics& integration(std::string_view kind) const;

  Counter received_firing, received_resolved, invalid, limited;
  Gauge per_alert_limit;
  Gauge groups;
  Gauge receivers, integrations, inhibition_rules;
  Gauge config_hash, reload_successful, reload_time;
  Counter suppressed_silence, suppressed_inhibition, suppressed_mute, suppressed_active;
  Counter nflog_queries, nflog_errors;
  Counter silence_queries;
  Counter store_errors;
  HistogramMetric processing;

 private:
  std::map<std::string, IntegrationMetrics, std::less<>> by_kind_;
};

}  // namespace tocsin::alerting
