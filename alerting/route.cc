#include "alerting/route.h"

#include <algorithm>
#include <map>

#include "alerting/matcher_parser.h"

namespace tocsin::alerting {
namespace {

// `parent` null: the root, with the defaults. `seen`: how often each key came before.
std::unique_ptr<Route> Build(const RouteConfig& config, const Route* parent,
                             std::map<std::string, int>& seen) {
  auto out = std::make_unique<Route>();
  std::map<std::string, std::string> labels;
  if (parent != nullptr) {
    out->receiver = parent->receiver;
    out->group_by_all = parent->group_by_all;
    out->group_by = parent->group_by;
    out->group_wait = parent->group_wait;
    out->group_interval = parent->group_interval;
    out->repeat_interval = parent->repeat_interval;
    labels.insert(parent->labels.begin(), parent->labels.end());
    out->key = parent->key + "/";
  }
  out->key += FormatMatchers(config.matchers);
  const int before = seen[out->key]++;
  out->id = before == 0 ? out->key : out->key + "#" + std::to_string(before);
  if (!config.receiver.empty()) out->receiver = config.receiver;
  if (config.group_by) {
    out->group_by_all = config.group_by->size() == 1 && config.group_by->front() == "...";
    out->group_by = out->group_by_all ? std::vector<std::string>{} : *config.group_by;
    std::sort(out->group_by.begin(), out->group_by.end());
  }
  out->group_wait = config.group_wait.value_or(out->group_wait);
  out->group_interval = config.group_interval.value_or(out->group_interval);
  out->repeat_interval = config.repeat_interval.value_or(out->repeat_interval);
  out->matchers = config.matchers;
  out->keep_going = config.keep_going;
  out->mute_time_intervals = config.mute_time_intervals;
  out->active_time_intervals = config.active_time_intervals;
  for (const auto& [name, value] : config.labels) labels[name] = value;
  out->labels.assign(labels.begin(), labels.end());
  for (const RouteConfig& child : config.routes) {
    out->children.push_back(Build(child, out.get(), seen));
  }
  return out;
}

// Depth first: the first child that takes the alert and does not say `continue` ends the search;
// a node none of whose children take it takes it itself.
bool Collect(const Route& route, const Labels& labels, std::vector<const Route*>& out) {
  if (!MatchesAll(route.matchers, labels)) return false;
  bool taken = false;
  for (const auto& child : route.children) {
    if (!Collect(*child, labels, out)) continue;
    taken = true;
    if (!child->keep_going) break;
  }
  if (!taken) out.push_back(&route);
  return true;
}

}  // namespace

Labels Route::GroupLabels(const Labels& alert) const {
  return group_by_all ? alert : alert.Keep(group_by);
}

RouteTree::RouteTree(const RouteConfig& root) {
  std::map<std::string, int> seen;
  root_ = Build(root, nullptr, seen);
}

std::vector<const Route*> RouteTree::Match(const Labels& labels) const {
  std::vector<const Route*> out;
  Collect(*root_, labels, out);
  return out;
}

std::string GroupKey(const Route& route, const Labels& group_labels) {
  return route.key + ":" + group_labels.ToSetString();
}

std::string GroupId(const Route& route, const Labels& group_labels) {
  return route.id + ":" + group_labels.ToSetString();
}

}  // namespace tocsin::alerting
