#include "alerting/metrics.h"

#include "alerting/notify/registry.h"

namespace tocsin::alerting {
namespace {

const std::vector<double> kLatencyBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                            1,     2.5,  5,     10,   15,  20};
const std::vector<double> kProcessingBounds = {0.0001, 0.001, 0.01, 0.1, 1, 10};

IntegrationMetrics MakeIntegration(MetricRegistry& registry, const std::string& kind) {
  const MetricLabels labels = {{"integration", kind}};
  IntegrationMetrics out;
  out.notifications = registry.GetCounter("alertmanager_notifications_total",
                                          "The total number of attempted notifications.", labels);
  out.requests = registry.GetCounter("alertmanager_notification_requests_total",
                                     "The total number of attempts to deliver.", labels);
  out.requests_failed = registry.GetCounter("alertmanager_notification_requests_failed_total",
                                            "The total number of attempts that failed.", labels);
  out.latency = registry.GetHistogram("alertmanager_notification_latency_seconds",
                                      "How long an attempt took.", kLatencyBounds, labels);
  for (int i = 0; i <= static_cast<int>(FailureReason::kContextDeadlineExceeded); ++i) {
    const auto reason = static_cast<FailureReason>(i);
    out.failed[reason] = registry.GetCounter(
        "alertmanager_notifications_failed_total", "The total number of failed notifications.",
        {{"integration", kind}, {"reason", std::string(FailureReasonName(reason))}});
  }
  return out;
}

}  // namespace

AlertingMetrics::AlertingMetrics(MetricRegistry& registry) {
  const auto received = [&](const char* status) {
    return registry.GetCounter("alertmanager_alerts_received_total",
                               "The total number of received alerts.",
                               {{"status", status}, {"version", "v2"}});
  };
  received_firing = received("firing");
  received_resolved = received("resolved");
  invalid = registry.GetCounter("alertmanager_alerts_invalid_total",
                                "The total number of received alerts that were invalid.",
                                {{"version", "v2"}});
  registry.GetGauge("alertmanager_cluster_enabled", "Whether it is part of a cluster: never.");
  limited = registry.GetCounter("alertmanager_alerts_limited_total",
                                "Alerts dropped because their name had too many already.");
  per_alert_limit = registry.GetGauge("alertmanager_alerts_per_alert_limit",
                                      "How many alerts of one name are kept; 0: all.");
  groups = registry.GetGauge("alertmanager_dispatcher_aggregation_groups",
                             "Number of active aggregation groups.");
  processing =
      registry.GetHistogram("alertmanager_dispatcher_alert_processing_duration_seconds",
                            "How long taking in a batch of alerts took.", kProcessingBounds);
  receivers = registry.GetGauge("alertmanager_receivers", "Number of configured receivers.");
  integrations =
      registry.GetGauge("alertmanager_integrations", "Number of configured integrations.");
  inhibition_rules =
      registry.GetGauge("alertmanager_inhibition_rules", "Number of configured inhibition rules.");
  config_hash =
      registry.GetGauge("alertmanager_config_hash", "Hash of the currently loaded configuration.");
  reload_successful =
      registry.GetGauge("alertmanager_config_last_reload_successful",
                        "Whether the last configuration reload attempt was successful.");
  reload_time = registry.GetGauge("alertmanager_config_last_reload_success_timestamp_seconds",
                                  "Timestamp of the last successful configuration reload.");
  const auto suppressed = [&](const char* reason) {
    return registry.GetCounter("alertmanager_notifications_suppressed_total",
                               "The total number of alerts kept out of notifications.",
                               {{"reason", reason}});
  };
  suppressed_silence = suppressed("silence");
  suppressed_inhibition = suppressed("inhibition");
  suppressed_mute = suppressed("mute_time_interval");
  suppressed_active = suppressed("active_time_interval");
  nflog_queries = registry.GetCounter("alertmanager_nflog_queries_total",
                                      "Number of notification log queries.");
  nflog_errors = registry.GetCounter("alertmanager_nflog_write_errors_total",
                                     "Entries of the notification log that could not be stored.");
  silence_queries =
      registry.GetCounter("alertmanager_silences_queries_total", "How many silences were asked.");
  store_errors = registry.GetCounter(
      "tocsin_alerting_store_errors_total",
      "Alerts and groups that could not be written to the store; they live on in memory.");
  for (const ReceiverKind& kind : ReceiverKinds()) {
    by_kind_.emplace(kind.name, MakeIntegration(registry, std::string(kind.name)));
  }
}

const IntegrationMetrics& AlertingMetrics::integration(std::string_view kind) const {
  static const IntegrationMetrics kNone;
  const auto it = by_kind_.find(kind);
  return it == by_kind_.end() ? kNone : it->second;
}

}  // namespace tocsin::alerting
