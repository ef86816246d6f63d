#include "tools/tocsin/alert_fanout.h"

#include "storage/base/log.h"

namespace tocsin {

AlertFanout::AlertFanout(alerting::Alertmanager* alertmanager, alerting::ExternalSender& external)
    : alertmanager_(alertmanager),
      external_(external),
      settings_(std::make_shared<const Settings>()) {}

void AlertFanout::Configure(Labels external_labels, std::vector<RelabelConfig> relabel_configs) {
  auto settings = std::make_shared<const Settings>(
      Settings{std::move(external_labels), std::move(relabel_configs)});
  std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
}

bool AlertFanout::Prepare(const Settings& settings, alerting::Alert& alert) {
  if (settings.external_labels.empty() && settings.relabel_configs.empty()) return true;
  LabelsBuilder labels(alert.labels);
  for (const Label& label : settings.external_labels)
    if (labels.Get(label.name).empty()) labels.Set(label.name, label.value);
  if (!Relabel(settings.relabel_configs, labels)) return false;
  alert.labels = labels.Build();
  return !alert.labels.empty();
}

void AlertFanout::Send(std::vector<alerting::Alert> alerts) {
  std::shared_ptr<const Settings> settings;
  {
    std::lock_guard lock(mutex_);
    settings = settings_;
  }
  std::erase_if(alerts, [&](alerting::Alert& alert) { return !Prepare(*settings, alert); });
  if (alerts.empty()) return;
  external_.Send(alerts);
  if (alertmanager_ == nullptr) return;
  if (const Status put = alertmanager_->Put(std::move(alerts)); !put.ok())
    log::Error("some alerts were refused", {{"err", put.error().message()}});
}

}  // namespace tocsin
