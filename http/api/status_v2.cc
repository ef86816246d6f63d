// Alertmanager's /status and /receivers.
#include "http/api/response.h"
#include "http/api/routes.h"
#include "http/api/v2.h"

namespace tocsin::http {

namespace {

// The release whose API this program speaks.
constexpr std::string_view kAlertmanagerVersion = "0.34.0";
constexpr std::string_view kNoAlertmanager = "alerting is not running in this process";

Result<Response> GetStatus(const ApiContext& context, const Request&, const PathArgs&) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  const BuildInfo& build = context.state.build;
  std::string body;
  JsonWriter json(body, true);
  json.BeginObject().Key("cluster").BeginObject().Key("peers").BeginArray().EndArray();
  json.Field("status", "disabled").EndObject().Key("config").BeginObject();
  json.Field("original", context.alertmanager->ConfigYaml()).EndObject();
  json.Field("uptime", V2Time(context.state.start_time)).Key("versionInfo").BeginObject();
  json.Field("branch", build.branch).Field("buildDate", build.build_date);
  json.Field("buildUser", build.build_user).Field("goVersion", "");
  json.Field("revision", build.revision).Field("version", kAlertmanagerVersion);
  json.EndObject().EndObject();
  return V2Json(std::move(body));
}

Result<Response> GetReceivers(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  const auto matchers = V2Filters(request, "receiver_matchers");
  if (!matchers.ok()) return V2Failure(matchers.error());
  std::string body;
  JsonWriter json(body, true);
  json.BeginArray();
  for (const auto& receiver : context.alertmanager->Receivers()) {
    if (!MatchesAll(*matchers, receiver.labels)) continue;
    std::string labels;
    AppendLabels(labels, receiver.labels);
    json.BeginObject().Key("labels").Raw(labels).Field("name", receiver.name).EndObject();
  }
  json.EndArray();
  return V2Json(std::move(body));
}

}  // namespace

std::vector<Route> StatusRoutesV2(const ContextPtr& context, std::string_view prefix) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/status", Pool::kQuery, &GetStatus},
      {"GET", "/receivers", Pool::kQuery, &GetReceivers},
  };
  return MakeRoutes(context, kRows, prefix);
}

}  // namespace tocsin::http
