// The routing tree with everything inherited filled in: which groups an alert belongs to.
// Immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alerting/config_types.h"
#include "storage/model/labels.h"

namespace tocsin::alerting {

struct Route {
  std::string key;  // the matchers from the root down: {}/{a="1"}
  // The key, made unique: siblings with the same matchers have the same key but groups of their
  // own.
  std::string id;
  std::string receiver;
  bool group_by_all = false;
  std::vector<std::string> group_by;  // sorted
  Duration group_wait{30'000};
  Duration group_interval{300'000};
  Duration repeat_interval{4 * 3'600'000};
  std::vector<Matcher> matchers;
  bool keep_going = false;
  std::vector<std::string> mute_time_intervals;
  std::vector<std::string> active_time_intervals;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::unique_ptr<Route>> children;

  // The alert's labels that its group is made of.
  Labels GroupLabels(const Labels& alert) const;
};

class RouteTree {
 public:
  explicit RouteTree(const RouteConfig& root);

  // Every route that takes the alert, in the order of the file; never empty.
  std::vector<const Route*> Match(const Labels& labels) const;

  const Route& root() const { return *root_; }

 private:
  std::unique_ptr<Route> root_;
};

// Identifies a group in the notification log, in webhooks and (hashed) in PagerDuty: it must not
// change between versions.
std::string GroupKey(const Route& route, const Labels& group_labels);
// Tells groups of different routes apart even when their group keys are equal.
std::string GroupId(const Route& route, const Labels& group_labels);

}  // namespace tocsin::alerting
