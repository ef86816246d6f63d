// Alerts and groups as the API shows them, with their state worked out now.
#pragma once

#include <vector>

#include "alerting/alertmanager.h"
#include "alerting/dispatcher.h"
#include "alerting/silences.h"

namespace tocsin::alerting {

// By fingerprint.
std::vector<AlertView> ViewAlerts(const Dispatcher& dispatcher, const SilenceStore& silences,
                                  Timestamp now);
// By labels, then receiver; empty groups are left out.
std::vector<Alertmanager::GroupView> ViewGroups(const Dispatcher& dispatcher,
                                                const SilenceStore& silences, Timestamp now);
double CountAlerts(const Dispatcher& dispatcher, const SilenceStore& silences, Timestamp now,
                   AlertState state);

}  // namespace tocsin::alerting
