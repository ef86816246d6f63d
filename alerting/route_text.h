// The routing tree of a configuration for people: as a drawn tree, and where an alert goes.
#pragma once

#include <string>
#include <vector>

#include "alerting/config.h"
#include "storage/model/labels.h"

namespace tocsin::alerting {

// One line a route, with its matchers, receiver and `continue`; as amtool draws it.
std::string ShowRoutes(const AlertmanagerConfig& config);
// Only what takes an alert with these labels.
std::string ShowMatchingRoutes(const AlertmanagerConfig& config, const Labels& labels);

// The receivers that an alert with these labels reaches, in the order of the tree.
std::vector<std::string> FindReceivers(const AlertmanagerConfig& config, const Labels& labels);

}  // namespace tocsin::alerting
