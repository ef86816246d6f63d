// Rule groups with what became of them, and the alerts they hold.
#include <algorithm>
#include <map>
#include <tuple>

#include "http/api/params.h"
#include "http/api/response.h"
#include "http/api/routes.h"
#include "query/language.h"
#include "storage/base/crypto.h"
#include "storage/base/number.h"

namespace tocsin::http {

namespace {

enum class RuleType { kAny, kAlert, kRecord };

struct RuleFilter {
  RuleType type = RuleType::kAny;
  std::vector<std::string> names, groups, files;
  MatcherSets match;
  bool exclude_alerts = false;
};

struct Page {
  size_t limit = 0;  // 0: all
  std::string token;
};

double Seconds(Duration d) { return static_cast<double>(d.count()) / 1000.0; }

std::string TimeOrZero(const std::optional<Timestamp>& t) {
  return t ? FormatTime(*t) : std::string(kZeroTime);
}

std::string_view StateName(rules::AlertState state) {
  switch (state) {
    case rules::AlertState::kPending:
      return "pending";
    case rules::AlertState::kFiring:
      return "firing";
    default:
      return "inactive";
  }
}

std::string_view HealthName(rules::RuleHealth health) {
  switch (health) {
    case rules::RuleHealth::kOk:
      return "ok";
    case rules::RuleHealth::kErr:
      return "err";
    default:
      return "unknown";
  }
}

bool Listed(const std::vector<std::string>& list, const std::string& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

// Labels as written in the rule; a value with a template never matches.
bool MatchesRule(const std::vector<Matcher>& matchers, const rules::RuleConfig& rule) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
    std::string_view value;
    for (const auto& [name, text] : rule.labels) {
      if (name == matcher.name()) value = text;
    }
    return value.find("{{") == std::string_view::npos && matcher.Matches(value);
  });
}

bool Wanted(const RuleFilter& filter, const rules::RuleConfig& rule) {
  if (filter.type == RuleType::kAlert && rule.alert.empty()) return false;
  if (filter.type == RuleType::kRecord && rule.record.empty()) return false;
  if (!Listed(filter.names, rule.name())) return false;
  if (filter.match.empty()) return true;
  return std::any_of(filter.match.begin(), filter.match.end(),
                     [&](const auto& matchers) { return MatchesRule(matchers, rule); });
}

Result<RuleFilter> ParseFilter(const Request& request) {
  RuleFilter filter;
  const std::string_view type = Param(request, "type");
  if (type == "alert") {
    filter.type = RuleType::kAlert;
  } else if (type == "record") {
    filter.type = RuleType::kRecord;
  } else if (!type.empty()) {
    return InvalidParameter("type", "not supported value \"" + std::string(type) + "\"");
  }
  filter.names = request.param_list("rule_name[]");
  filter.groups = request.param_list("rule_group[]");
  filter.files = request.param_list("file[]");
  TOCSIN_ASSIGN(filter.match, MatchParams(request));
  const std::string_view exclude = Param(request, "exclude_alerts");
  if (exclude.empty()) return filter;
  const auto value = ParseGoBool(exclude);
  if (!value) {
    std::string quoted;
    AppendGoQuoted(quoted, exclude);
    return InvalidParameter(
        "exclude_alerts", "error converting exclude_alerts: strconv.ParseBool: parsing " + quoted +
                              ": invalid syntax");
  }
  filter.exclude_alerts = *value;
  return filter;
}

Result<Page> ParsePage(const Request& request) {
  Page page;
  page.token = std::string(Param(request, "group_next_token"));
  const std::string_view limit = Param(request, "group_limit");
  if (limit.empty()) {
    if (page.token.empty()) return page;
    return InvalidParameter("group_next_token",
                            "group_limit needs to be present in order to paginate over the groups");
  }
  const auto number = ParseInt(limit);
  if (!number) {
    std::string quoted;
    AppendGoQuoted(quoted, limit);
    return InvalidParameter("group_limit",
                            "group_limit needs to be a valid number: strconv.ParseInt: parsing " +
                                quoted + ": invalid syntax");
  }
  if (*number <= 0) {
    return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  }
  page.limit = static_cast<size_t>(*number);
  return page;
}

void AppendPairs(JsonWriter& json, const std::vector<std::pair<std::string, std::string>>& pairs) {
  json.BeginObject();
  for (const auto& [name, value] : std::map<std::string, std::string>(pairs.begin(), pairs.end())) {
    json.Field(name, value);
  }
  json.EndObject();
}

void AppendAlert(JsonWriter& json, const rules::ActiveAlert& alert) {
  std::string labels;
  AppendLabels(labels, alert.labels);
  json.BeginObject().Key("labels").Raw(labels);
  labels.clear();
  AppendLabels(labels, alert.annotations);
  json.Key("annotations").Raw(labels).Field("state", StateName(alert.state));
  json.Field("activeAt", FormatTime(alert.active_at));
  if (alert.keep_firing_since) json.Field("keepFiringSince", FormatTime(*alert.keep_firing_since));
  std::string value;
  AppendExpFloat(value, alert.value);
  json.Field("value", value).EndObject();
}

void AppendRule(JsonWriter& json, const rules::RuleStatus& rule, bool exclude_alerts) {
  const bool alerting = !rule.config.alert.empty();
  json.BeginObject();
  if (alerting) {
    json.Field("state", rule.last_evaluation ? StateName(rule.state) : "unknown");
  }
  json.Field("name", rule.config.name()).Field("query", query::PrintQuery(rule.config.expr));
  if (alerting) {
    json.Field("duration", Seconds(rule.config.for_));
    json.Field("keepFiringFor", Seconds(rule.config.keep_firing_for));
  }
  json.Key("labels");
  AppendPairs(json, rule.config.labels);
  if (alerting) {
    json.Key("annotations");
    AppendPairs(json, rule.config.annotations);
    json.Key("alerts");
    if (exclude_alerts) {
      json.Null();
    } else {
      json.BeginArray();
      for (const auto& alert : rule.alerts) AppendAlert(json, alert);
      json.EndArray();
    }
  }
  json.Field("health", HealthName(rule.health));
  if (!rule.last_error.empty()) json.Field("lastError", rule.last_error);
  json.Field("evaluationTime", rule.evaluation_seconds);
  json.Field("lastEvaluation", TimeOrZero(rule.last_evaluation));
  json.Field("type", alerting ? "alerting" : "recording").EndObject();
}

bool Wanted(const RuleFilter& filter, const rules::GroupStatus& group) {
  return Listed(filter.groups, group.name) && Listed(filter.files, group.file) &&
         std::any_of(group.rules.begin(), group.rules.end(),
                     [&](const auto& rule) { return Wanted(filter, rule.config); });
}

void AppendGroup(JsonWriter& json, const rules::GroupStatus& group, const RuleFilter& filter) {
  json.BeginObject().Field("name", group.name).Field("file", group.file);
  json.Key("rules").BeginArray();
  for (const auto& rule : group.rules) {
    if (Wanted(filter, rule.config)) AppendRule(json, rule, filter.exclude_alerts);
  }
  json.EndArray().Field("interval", Seconds(group.interval)).Field("limit", group.limit);
  json.Field("evaluationTime", group.evaluation_seconds);
  json.Field("lastEvaluation", TimeOrZero(group.last_evaluation)).EndObject();
}

std::string TokenOf(const rules::GroupStatus& group) {
  return Sha256Hex(group.file + ";" + group.name);
}

Result<Response> Rules(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.rules == nullptr) return NotRunning("rule evaluation");
  TOCSIN_ASSIGN(const RuleFilter filter, ParseFilter(request));
  TOCSIN_ASSIGN(const Page page, ParsePage(request));
  auto groups = context.rules->Groups();
  std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return std::tie(a.file, a.name) < std::tie(b.file, b.name);
  });
  size_t next = 0;
  if (!page.token.empty()) {
    while (next < groups.size() && TokenOf(groups[next]) != page.token) ++next;
    if (next == groups.size()) {
      return InvalidParameter("group_next_token", "invalid group_next_token '" + page.token +
                                                      "'. were rule groups changed?");
    }
  }
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject().Key("groups").BeginArray();
  size_t shown = 0;
  for (; next < groups.size(); ++next) {
    if (!Wanted(filter, groups[next])) continue;
    if (page.limit != 0 && shown == page.limit) break;  // more to come
    AppendGroup(json, groups[next], filter);
    ++shown;
  }
  json.EndArray();
  if (next < groups.size()) json.Field("groupNextToken", TokenOf(groups[next]));
  json.EndObject();
  return std::move(envelope).Finish();
}

Result<Response> Alerts(const ApiContext& context, const Request&, const PathArgs&) {
  if (context.rules == nullptr) return NotRunning("rule evaluation");
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject().Key("alerts").BeginArray();
  for (const auto& group : context.rules->Groups()) {
    for (const auto& rule : group.rules) {
      for (const auto& alert : rule.alerts) AppendAlert(json, alert);
    }
  }
  json.EndArray().EndObject();
  return std::move(envelope).Finish();
}

void AppendUrls(JsonWriter& json, const std::vector<std::string>& urls) {
  for (const std::string& url : urls) json.BeginObject().Field("url", url).EndObject();
}

// Those outside, and the one inside this process, which rules reach without HTTP.
Result<Response> Alertmanagers(const ApiContext& context, const Request&, const PathArgs&) {
  alerting::ExternalSender::Targets targets;
  if (context.external_alertmanagers != nullptr) {
    targets = context.external_alertmanagers->targets();
  }
  if (context.alertmanager != nullptr) {
    std::string url = context.state.external_url;
    while (url.ends_with('/')) url.pop_back();
    targets.active.push_back(url + "/alertmanager/api/v2/alerts");
  }
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject().Key("activeAlertmanagers").BeginArray();
  AppendUrls(json, targets.active);
  json.EndArray().Key("droppedAlertmanagers").BeginArray();
  AppendUrls(json, targets.dropped);
  json.EndArray().EndObject();
  return std::move(envelope).Finish();
}

}  // namespace

std::vector<Route> RuleRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/api/v1/rules", Pool::kQuery, &Rules},
      {"GET", "/api/v1/alerts", Pool::kQuery, &Alerts},
      {"GET", "/api/v1/alertmanagers", Pool::kQuery, &Alertmanagers},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
