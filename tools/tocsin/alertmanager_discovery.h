// Finds the Alertmanagers outside for the sender: the edge from ingest's discovery to alerting.
#pragma once

#include <memory>
#include <vector>

#include "alerting/external_sender.h"
#include "ingest/discovery/discoverer.h"
#include "tools/tocsin/config_sections.h"

namespace tocsin {

// Apply on one thread.
class AlertmanagerDiscovery {
 public:
  // REQUIRES: `sender` outlives this.
  AlertmanagerDiscovery(alerting::ExternalSender& sender, ingest::DiscoveryPorts ports);
  // Ends all discovery; the sender gets no targets afterwards.
  ~AlertmanagerDiscovery();

  // Replaces all entries.
  void Apply(const std::vector<AlertingSection::Alertmanagers>& entries);

 private:
  struct Current;
  void Retire();

  alerting::ExternalSender& sender_;
  const ingest::DiscoveryPorts ports_;
  std::shared_ptr<Current> current_;
  std::vector<std::unique_ptr<ingest::Discoverer>> discoverers_;
};

}  // namespace tocsin
