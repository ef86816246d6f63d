#include "http/api/routes.h"

#include "http/api/response.h"

namespace tocsin::http {

namespace {

std::vector<std::string> SplitMethods(std::string_view text) {
  std::vector<std::string> methods;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    methods.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return methods;
}

bool Ready(const ApiContext& context) { return !context.state.ready || context.state.ready(); }

Response NotReady() {
  Response response = TextResponse(503, "Service Unavailable");
  response.headers.emplace_back("X-Prometheus-Stopping", "false");
  return response;
}

RouteHandler MakeHandler(const ContextPtr& context, const ApiRow& row) {
  return [context, handler = row.handler, async = row.async, early = row.before_ready](
             const std::shared_ptr<const Request>& request, const PathArgs& args,
             const Responder& respond) {
    if (!request->form.ok()) return respond(ErrorResponse(request->form.error()));
    if (!early && !Ready(*context)) return respond(NotReady());
    if (handler == nullptr) return async(context, request, respond);
    Result<Response> response = handler(*context, *request, args);
    respond(response.ok() ? *std::move(response) : ErrorResponse(response.error()));
  };
}

void Append(std::vector<Route>& all, std::vector<Route> some) {
  for (Route& route : some) all.push_back(std::move(route));
}

}  // namespace

std::vector<Route> MakeRoutes(const ContextPtr& context, std::span<const ApiRow> rows,
                              std::string_view prefix) {
  std::vector<Route> routes;
  for (const ApiRow& row : rows) {
    Route route;
    route.methods = SplitMethods(row.methods);
    route.pattern = std::string(prefix).append(row.pattern);
    route.pool = row.pool;
    route.handler = MakeHandler(context, row);
    routes.push_back(std::move(route));
  }
  return routes;
}

std::string ExternalPath(const ApiContext& context) {
  const std::string& url = context.state.external_url;
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  if (path == std::string::npos) return "";
  std::string prefix = url.substr(path);
  while (prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

std::vector<Route> ApiRoutes(const ApiContext& context) {
  const auto shared = std::make_shared<const ApiContext>(context);
  std::vector<Route> all;
  Append(all, QueryRoutes(shared));
  Append(all, SeriesRoutes(shared));
  Append(all, TargetRoutes(shared));
  Append(all, RuleRoutes(shared));
  Append(all, StatusRoutes(shared));
  Append(all, AdminRoutes(shared));
  Append(all, WriteRoutes(shared));
  Append(all, FederateRoutes(shared));
  Append(all, LifecycleRoutes(shared));
  for (const std::string_view prefix : {"/api/v2", "/alertmanager/api/v2"}) {
    Append(all, AlertRoutesV2(shared, prefix));
    Append(all, SilenceRoutesV2(shared, prefix));
    Append(all, StatusRoutesV2(shared, prefix));
  }
  Append(all, PageRoutes(shared));
  return all;
}

}  // namespace tocsin::http
