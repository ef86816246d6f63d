#include "tools/tocsin/alertmanager_discovery.h"

#include <mutex>

namespace tocsin {
namespace {

// Labels of the target win over those of its group.
std::vector<Labels> Flatten(const std::vector<ingest::TargetGroup>& groups) {
  std::vector<Labels> out;
  LabelsBuilder labels;
  for (const ingest::TargetGroup& group : groups) {
    for (const Labels& target : group.targets) {
      labels.Reset(group.labels);
      for (const Label& label : target) labels.Set(label.name, label.value);
      out.push_back(labels.Build());
    }
  }
  return out;
}

}  // namespace

// A discoverer may still be calling when it is destroyed; what it says then belongs to entries
// that are gone.
struct AlertmanagerDiscovery::Current {
  std::mutex mutex;
  bool retired = false;
};

AlertmanagerDiscovery::AlertmanagerDiscovery(alerting::ExternalSender& sender,
                                             ingest::DiscoveryPorts ports)
    : sender_(sender), ports_(std::move(ports)) {}

AlertmanagerDiscovery::~AlertmanagerDiscovery() { Retire(); }

void AlertmanagerDiscovery::Retire() {
  if (current_ != nullptr) {
    std::lock_guard lock(current_->mutex);
    current_->retired = true;
  }
  discoverers_.clear();
}

void AlertmanagerDiscovery::Apply(const std::vector<AlertingSection::Alertmanagers>& entries) {
  Retire();
  current_ = std::make_shared<Current>();
  std::vector<alerting::ExternalAlertmanagers> senders;
  for (const AlertingSection::Alertmanagers& entry : entries) senders.push_back(entry.sender);
  sender_.Apply(std::move(senders));
  for (size_t i = 0; i < entries.size(); ++i) {
    discoverers_.push_back(ingest::Discover(
        entries[i].discovery, ports_,
        [this, i, current = current_](const std::vector<ingest::TargetGroup>& groups) {
          std::lock_guard lock(current->mutex);
          if (!current->retired) sender_.SetTargets(i, Flatten(groups));
        }));
  }
}

}  // namespace tocsin
