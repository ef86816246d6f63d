// Which handler answers a path: visible tables of rows, one per area in http/api/.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/metrics.h"
#include "storage/model/regex.h"

namespace tocsin::http {

// Segments of the pattern that start with ":" match one segment and come, decoded, in order; a last
// segment ":name*" takes the rest of the path as it is.
using PathArgs = std::vector<std::string>;
using RouteHandler =
    std::function<void(const std::shared_ptr<const Request>&, const PathArgs&, Responder)>;

enum class Pool {
  kLoop,      // quick and never blocks: health, status
  kQuery,     // evaluates or scans
  kReserved,  // what must not wait behind queries: samples and alerts that come in, own metrics
};

struct Route {
  std::vector<std::string> methods;  // GET implies HEAD
  std::string pattern;               // "/api/v1/label/:name/values"
  Pool pool = Pool::kQuery;
  RouteHandler handler;
};

// Add all routes before the first Handle; then thread-safe. Answers 404 for unknown paths, 405
// with Allow for known ones, OPTIONS with 204 and CORS headers; compresses by Accept-Encoding;
// counts prometheus_http_requests_total{handler,code} and durations.
class Router {
 public:
  // `prefix`: the --web.route-prefix, "" or "/x". `origins`: the --web.cors.origin, pages of which
  // origins may read the answers.
  Router(std::string prefix, Regex origins, Executor& queries, Executor& reserved,
         MetricRegistry& metrics, const Clock& clock);
  ~Router();

  void Add(std::vector<Route> routes);
  void Handle(std::shared_ptr<const Request> request, Responder respond) const;
  // For ServerOptions::admit: large bodies are for kReserved routes only, others take a form.
  void Admit(const std::shared_ptr<const Request>& request, const Responder& respond) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::http
