// How the areas of the API are put together: each file of this folder has one table of rows and
// one function that turns it into routes.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "http/api/api.h"
#include "http/router.h"
#include "storage/base/result.h"

namespace tocsin::http {

using ContextPtr = std::shared_ptr<const ApiContext>;

// Answers at once, on the thread of its pool. An error becomes an ErrorResponse.
using ApiHandler = Result<Response> (*)(const ApiContext&, const Request&, const PathArgs&);
// Answers when it can.
using AsyncHandler = void (*)(const ContextPtr&, const std::shared_ptr<const Request>&,
                              const Responder&);

struct ApiRow {
  std::string_view methods;  // separated by a space
  std::string_view pattern;
  Pool pool = Pool::kQuery;
  ApiHandler handler = nullptr;
  AsyncHandler async = nullptr;  // when `handler` is null
  bool before_ready = false;     // answers while the database still opens
};

std::vector<Route> MakeRoutes(const ContextPtr& context, std::span<const ApiRow> rows,
                              std::string_view prefix = "");

// The path of the external URL, without a trailing slash.
std::string ExternalPath(const ApiContext& context);

std::vector<Route> QueryRoutes(const ContextPtr& context);
std::vector<Route> SeriesRoutes(const ContextPtr& context);
std::vector<Route> TargetRoutes(const ContextPtr& context);
std::vector<Route> RuleRoutes(const ContextPtr& context);
std::vector<Route> StatusRoutes(const ContextPtr& context);
std::vector<Route> AdminRoutes(const ContextPtr& context);
std::vector<Route> WriteRoutes(const ContextPtr& context);
std::vector<Route> FederateRoutes(const ContextPtr& context);
std::vector<Route> LifecycleRoutes(const ContextPtr& context);
// Alertmanager's API, once at /api/v2 and once below /alertmanager.
std::vector<Route> AlertRoutesV2(const ContextPtr& context, std::string_view prefix);
std::vector<Route> SilenceRoutesV2(const ContextPtr& context, std::string_view prefix);
std::vector<Route> StatusRoutesV2(const ContextPtr& context, std::string_view prefix);
// The pages for browsers (http/ui).
std::vector<Route> PageRoutes(const ContextPtr& context);

}  // namespace tocsin::http
