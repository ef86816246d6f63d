// Health, reload, quit, own metrics.
#include "http/api/build_json.h"
#include "http/api/response.h"
#include "http/api/routes.h"

namespace tocsin::http {

namespace {

constexpr std::string_view kOnlyPost = "Only POST or PUT requests allowed";

Result<Response> Healthy(const ApiContext&, const Request&, const PathArgs&) {
  return TextResponse(200, "Prometheus Server is Healthy.\n");
}

Result<Response> ReadyNow(const ApiContext&, const Request&, const PathArgs&) {
  return TextResponse(200, "Prometheus Server is Ready.\n");
}

Result<Response> AlertmanagerOk(const ApiContext&, const Request&, const PathArgs&) {
  return TextResponse(200, "OK");
}

Result<Response> NeedsPost(const ApiContext&, const Request&, const PathArgs&) {
  return TextResponse(405, std::string(kOnlyPost));
}

void Reload(const ContextPtr& context, const std::shared_ptr<const Request>&,
            const Responder& respond) {
  // A mere router of alerts stands in for an Alertmanager, which always reloads on request.
  const bool mere_router = context->engine == nullptr;
  if ((!context->state.enable_lifecycle && !mere_router) || !context->state.reload) {
    return respond(TextResponse(403, "Lifecycle API is not enabled."));
  }
  context->state.reload([respond](const Status& status) {
    if (status.ok()) return respond(TextResponse(200, ""));
    respond(TextResponse(500, "failed to reload config: " + status.error().message() + "\n"));
  });
}

void Quit(const ContextPtr& context, const std::shared_ptr<const Request>&,
          const Responder& respond) {
  if (!context->state.enable_lifecycle || !context->state.quit) {
    return respond(TextResponse(403, "Lifecycle API is not enabled."));
  }
  respond(TextResponse(200, "Requesting termination... Goodbye!"));
  context->state.quit();
}

Result<Response> Metrics(const ApiContext& context, const Request&, const PathArgs&) {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  if (context.metrics != nullptr) response.body = context.metrics->Serialize();
  return response;
}

Result<Response> Version(const ApiContext& context, const Request&, const PathArgs&) {
  std::string body;
  JsonWriter json(body, true);
  AppendBuildInfo(json, context.state.build);
  return JsonResponse(200, std::move(body));
}

Result<Response> Root(const ApiContext& context, const Request&, const PathArgs&) {
  return Redirect(ExternalPath(context) + "/query");
}

Result<Response> Graph(const ApiContext& context, const Request& request, const PathArgs&) {
  const std::string query = request.query.empty() ? "" : "?" + request.query;
  return Redirect(ExternalPath(context) + "/query" + query);
}

}  // namespace

std::vector<Route> LifecycleRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/-/healthy", Pool::kLoop, &Healthy, nullptr, true},
      {"GET", "/-/ready", Pool::kLoop, &ReadyNow},
      {"GET", "/-/reload", Pool::kLoop, &NeedsPost, nullptr, true},
      {"POST PUT", "/-/reload", Pool::kLoop, nullptr, &Reload},
      {"GET", "/-/quit", Pool::kLoop, &NeedsPost, nullptr, true},
      {"POST PUT", "/-/quit", Pool::kLoop, nullptr, &Quit, true},
      {"GET", "/alertmanager/-/healthy", Pool::kLoop, &AlertmanagerOk, nullptr, true},
      {"GET", "/alertmanager/-/ready", Pool::kLoop, &AlertmanagerOk},
      {"GET", "/metrics", Pool::kReserved, &Metrics, nullptr, true},
      {"GET", "/version", Pool::kLoop, &Version, nullptr, true},
      {"GET", "/", Pool::kLoop, &Root, nullptr, true},
      {"GET", "/graph", Pool::kLoop, &Graph, nullptr, true},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
