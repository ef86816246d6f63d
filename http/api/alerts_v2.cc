// Alertmanager's /alerts and /alerts/groups.
#include <algorithm>
#include <set>

#include "http/api/params.h"
#include "http/api/response.h"
#include "http/api/routes.h"
#include "http/api/v2.h"
#include "storage/base/crypto.h"
#include "storage/model/duration.h"
#include "storage/model/regex.h"

namespace tocsin::http {

namespace {

constexpr int64_t kGoZeroMs = -62'135'596'800'000;  // 0001-01-01T00:00:00Z
constexpr std::string_view kNoAlertmanager = "alerting is not running in this process";

struct AlertFilter {
  bool active, silenced, inhibited, unprocessed, muted;
  std::vector<Matcher> matchers;
  std::optional<Regex> receiver;
  std::optional<std::set<std::string>> receivers;  // whose labels match

  bool WantsReceiver(const std::string& name) const {
    return (!receiver || receiver->Matches(name)) && (!receivers || receivers->contains(name));
  }
};

Result<AlertFilter> ParseFilter(const ApiContext& context, const Request& request) {
  AlertFilter filter{V2Flag(request, "active"),
                     V2Flag(request, "silenced"),
                     V2Flag(request, "inhibited"),
                     V2Flag(request, "unprocessed"),
                     V2Flag(request, "muted"),
                     {},
                     {},
                     {}};
  TOCSIN_ASSIGN(filter.matchers, V2Filters(request));
  TOCSIN_ASSIGN(const auto receiver_matchers, V2Filters(request, "receiver_matchers"));
  if (!receiver_matchers.empty()) {
    filter.receivers.emplace();
    for (const auto& known : context.alertmanager->Receivers()) {
      if (MatchesAll(receiver_matchers, known.labels)) filter.receivers->insert(known.name);
    }
  }
  const std::string_view receiver = Param(request, "receiver");
  if (receiver.empty()) return filter;
  auto regex = Regex::Compile(receiver, Regex::Anchor::kFullNoDotNl);
  if (!regex.ok()) return regex.error().WithContext("failed to parse receiver param");
  filter.receiver = *std::move(regex);
  return filter;
}

bool Wanted(const AlertFilter& filter, const alerting::AlertView& view) {
  // What only a time interval mutes counts as active here.
  const bool active = view.state != alerting::AlertState::kUnprocessed &&
                      view.silenced_by.empty() && view.inhibited_by.empty();
  if (!filter.active && active) return false;
  if (!filter.unprocessed && view.state == alerting::AlertState::kUnprocessed) return false;
  if (!filter.silenced && !view.silenced_by.empty()) return false;
  if (!filter.inhibited && !view.inhibited_by.empty()) return false;
  if (!filter.muted && !view.muted_by.empty()) return false;
  const auto& receivers = view.receivers;
  if ((filter.receiver || filter.receivers) &&
      std::none_of(receivers.begin(), receivers.end(),
                   [&](const auto& name) { return filter.WantsReceiver(name); })) {
    return false;
  }
  return MatchesAll(filter.matchers, view.alert.labels);
}

std::string_view StateName(alerting::AlertState state) {
  switch (state) {
    case alerting::AlertState::kActive:
      return "active";
    case alerting::AlertState::kSuppressed:
      return "suppressed";
    default:
      return "unprocessed";
  }
}

std::string FingerprintText(uint64_t fingerprint) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(fingerprint >> (56 - 8 * i));
  return HexLower(bytes, sizeof(bytes));
}

void AppendStringList(JsonWriter& json, std::string_view key,
                      const std::vector<std::string>& values) {
  json.Key(key).BeginArray();
  for (const std::string& value : values) json.String(value);
  json.EndArray();
}

void AppendLabelsKey(JsonWriter& json, std::string_view key, const Labels& labels) {
  std::string text;
  AppendLabels(text, labels);
  json.Key(key).Raw(text);
}

void AppendView(JsonWriter& json, const alerting::AlertView& view) {
  json.BeginObject();
  AppendLabelsKey(json, "annotations", view.alert.annotations);
  json.Field("endsAt", V2Time(view.alert.ends_at));
  json.Field("fingerprint", FingerprintText(view.alert.fingerprint()));
  json.Key("receivers").BeginArray();
  for (const std::string& name : view.receivers) {
    json.BeginObject().Field("name", name).EndObject();
  }
  json.EndArray().Field("startsAt", V2Time(view.alert.starts_at)).Key("status").BeginObject();
  AppendStringList(json, "inhibitedBy", view.inhibited_by);
  AppendStringList(json, "mutedBy", view.muted_by);
  AppendStringList(json, "silencedBy", view.silenced_by);
  json.Field("state", StateName(view.state)).EndObject();
  json.Field("updatedAt", V2Time(view.alert.updated_at));
  if (!view.alert.generator_url.empty()) json.Field("generatorURL", view.alert.generator_url);
  AppendLabelsKey(json, "labels", view.alert.labels);
  json.EndObject();
}

Result<Response> GetAlerts(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  const auto filter = ParseFilter(context, request);
  if (!filter.ok()) return V2Failure(filter.error());
  std::string body;
  JsonWriter json(body, true);
  json.BeginArray();
  for (const auto& view : context.alertmanager->Alerts()) {
    if (Wanted(*filter, view)) AppendView(json, view);
  }
  json.EndArray();
  return V2Json(std::move(body));
}

Result<Response> GetGroups(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  const auto filter = ParseFilter(context, request);
  if (!filter.ok()) return V2Failure(filter.error());
  std::string body;
  JsonWriter json(body, true);
  json.BeginArray();
  for (auto& group : context.alertmanager->Groups()) {
    if (!filter->WantsReceiver(group.receiver)) continue;
    std::erase_if(group.alerts, [&](const auto& view) { return !Wanted(*filter, view); });
    if (group.alerts.empty()) continue;
    for (auto& view : group.alerts) {
      std::erase_if(view.receivers, [&](const auto& name) { return !filter->WantsReceiver(name); });
    }
    json.BeginObject().Key("alerts").BeginArray();
    for (const auto& view : group.alerts) AppendView(json, view);
    json.EndArray();
    AppendLabelsKey(json, "labels", group.labels);
    json.Key("receiver").BeginObject().Field("name", group.receiver).EndObject();
    json.Key("routeLabels").BeginObject();
    for (const auto& [name, value] : group.route_labels) json.Field(name, value);
    json.EndObject().EndObject();
  }
  json.EndArray();
  return V2Json(std::move(body));
}

Labels ToLabels(const std::vector<std::pair<std::string, std::string>>& pairs) {
  LabelsBuilder builder;
  for (const auto& [name, value] : pairs) builder.Set(name, value);
  return builder.Build();
}

// 0 when absent; an error Response when it is no time.
std::optional<Response> ReadTime(const JsonValue& json, std::string_view key, Timestamp* out) {
  const JsonValue* value = json.Find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const std::string* text = value->AsString();
  if (text != nullptr && text->empty()) return std::nullopt;
  const auto time =
      text == nullptr ? Result<Timestamp>(InvalidArgument("is not a string")) : ParseRfc3339(*text);
  if (!time.ok()) {
    return V2BodyError(std::string(key) + ": not a RFC 3339 time: " + time.error().message());
  }
  // The zero time of Go programs means "not given".
  if (time->ms != kGoZeroMs) *out = *time;
  return std::nullopt;
}

// As strfmt's `uri`: absolute, or a path.
bool IsRequestUri(std::string_view text) {
  if (text.empty() || text.front() == '/') return true;
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 &&
         text.substr(0, colon).find_first_of(" /?#") == std::string_view::npos;
}

// `at`: its place in the body, for the texts of errors.
std::optional<Response> ReadAlert(const JsonValue& json, const std::string& at,
                                  alerting::Alert* alert) {
  if (json.AsObject() == nullptr) return V2BodyError("an alert must be an object");
  const JsonValue* labels = json.Find("labels");
  if (labels == nullptr || labels->is_null())
    return V2SchemaError(602, at + ".labels in body is required");
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!ReadStringMap(*labels, &pairs)) return V2BodyError("labels must be an object of strings");
  alert->labels = ToLabels(pairs);
  if (const JsonValue* annotations = json.Find("annotations");
      annotations != nullptr && !annotations->is_null()) {
    pairs.clear();
    if (!ReadStringMap(*annotations, &pairs)) {
      return V2BodyError("annotations must be an object of strings");
    }
    alert->annotations = ToLabels(pairs);
  }
  if (const JsonValue* url = json.Find("generatorURL"); url != nullptr && !url->is_null()) {
    if (url->AsString() == nullptr) return V2BodyError("generatorURL must be a string");
    alert->generator_url = *url->AsString();
    if (!IsRequestUri(alert->generator_url)) {
      return V2SchemaError(
          601, at + ".generatorURL in body must be of type uri: \"" + alert->generator_url + "\"");
    }
  }
  if (auto error = ReadTime(json, "startsAt", &alert->starts_at)) return error;
  return ReadTime(json, "endsAt", &alert->ends_at);
}

Result<Response> PostAlerts(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  V2Body body = ParseV2Body(request, "alerts");
  if (body.error) return *std::move(body.error);
  const auto* array = body.value.AsArray();
  if (array == nullptr) return V2BodyError("the body must be an array of alerts");
  std::vector<alerting::Alert> alerts;
  alerts.reserve(array->size());
  for (const JsonValue& json : *array) {
    const std::string at = std::to_string(alerts.size());
    if (auto error = ReadAlert(json, at, &alerts.emplace_back())) return *std::move(error);
  }
  const Status status = context.alertmanager->Put(std::move(alerts));
  if (!status.ok()) return V2Failure(status.error());
  return TextResponse(200, {});
}

}  // namespace

std::vector<Route> AlertRoutesV2(const ContextPtr& context, std::string_view prefix) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/alerts", Pool::kQuery, &GetAlerts},
      {"POST", "/alerts", Pool::kReserved, &PostAlerts},
      {"GET", "/alerts/groups", Pool::kQuery, &GetGroups},
  };
  return MakeRoutes(context, kRows, prefix);
}

}  // namespace tocsin::http
