// Takes alerts from the rules to whoever notifies.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "alerting/alertmanager.h"
#include "alerting/external_sender.h"
#include "rules/alert_sink.h"
#include "storage/model/relabel.h"

namespace tocsin {

// Adds the external labels an alert lacks, applies alert_relabel_configs, hands on to the
// Alertmanager inside and to those outside. Thread-safe.
class AlertFanout final : public rules::AlertSink {
 public:
  // `alertmanager` may be null. REQUIRES: both outlive the sink.
  AlertFanout(alerting::Alertmanager* alertmanager, alerting::ExternalSender& external);

  void Configure(Labels external_labels, std::vector<RelabelConfig> relabel_configs);
  void Send(std::vector<alerting::Alert> alerts) override;

 private:
  struct Settings {
    Labels external_labels;
    std::vector<RelabelConfig> relabel_configs;
  };
  // False when a rule drops the alert.
  static bool Prepare(const Settings& settings, alerting::Alert& alert);

  alerting::Alertmanager* const alertmanager_;
  alerting::ExternalSender& external_;
  std::mutex mutex_;
  std::shared_ptr<const Settings> settings_;
};

}  // namespace tocsin
