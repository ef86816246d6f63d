// Pages for browsers. They use the public API only, so there is nothing here but files.
#include "http/api/response.h"
#include "http/api/routes.h"
#include "http/ui/assets.h"

namespace tocsin::http {

namespace {

Response Serve(const UiAsset& asset) {
  Response response;
  response.content_type = std::string(asset.content_type);
  response.body = std::string(asset.content);
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'self'; img-src 'self' data:; style-src 'self' "
                                "'unsafe-inline'; frame-ancestors 'self'");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

Result<Response> Asset(const ApiContext&, const Request&, const PathArgs& args) {
  for (const UiAsset& asset : UiAssets()) {
    if (asset.name == args.at(0)) return Serve(asset);
  }
  return TextResponse(404, "404 page not found\n");
}

Result<Response> Page(const ApiContext&, const Request&, const PathArgs&) {
  for (const UiAsset& asset : UiAssets()) {
    if (asset.name == "index.html") return Serve(asset);
  }
  return TextResponse(404, "this build has no pages\n");
}

// Pages Prometheus has and this program shows on another one.
Result<Response> ToTargets(const ApiContext& context, const Request&, const PathArgs&) {
  return Redirect(ExternalPath(context) + "/targets");
}

}  // namespace

std::vector<Route> PageRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/query", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/alerts", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/targets", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/rules", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/status", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/tsdb-status", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/flags", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/config", Pool::kLoop, &Page, nullptr, true},
      {"GET", "/service-discovery", Pool::kLoop, &ToTargets, nullptr, true},
      {"GET", "/ui/:file", Pool::kLoop, &Asset, nullptr, true},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
