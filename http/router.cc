#include "http/router.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "storage/base/compression.h"
#include "storage/base/json.h"
#include "storage/base/number.h"

namespace tocsin::http {
namespace {

// Below this compressing costs more than it saves.
constexpr size_t kMinCompressBytes = 1024;
// What a form, a silence or the like may have: queries of a megabyte are met.
constexpr uint64_t kMaxForm = 4u << 20;

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the leading slash
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

// Whether `path` fits the pattern; the ':' segments go to `args`, a last ":rest*" takes the rest.
bool Matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path,
             PathArgs* args) {
  const bool open = !pattern.empty() && pattern.back().ends_with('*');
  if (open ? path.size() < pattern.size() : path.size() != pattern.size()) return false;
  args->clear();
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (!pattern[i].starts_with(':')) {
      if (pattern[i] != path[i]) return false;
    } else if (open && i + 1 == pattern.size()) {
      const char* last = path.back().data() + path.back().size();
      args->emplace_back(path[i].data(), last);
    } else {
      if (path[i].empty()) return false;
      args->push_back(PercentDecode(path[i]));
    }
  }
  return true;
}

bool Allows(const std::vector<std::string>& methods, std::string_view method) {
  auto has = [&](std::string_view m) {
    return std::find(methods.begin(), methods.end(), m) != methods.end();
  };
  return has(method) || (method == "HEAD" && has("GET"));
}

void AddCors(Response& response, const Request& request, const Regex& origins) {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !origins.Matches(origin)) return;
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                "Accept, Authorization, Content-Type, Origin");
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
  response.headers.emplace_back("Access-Control-Allow-Origin", std::string(origin));
  response.headers.emplace_back("Access-Control-Expose-Headers", "Date");
  response.headers.emplace_back("Vary", "Origin");
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether an Accept-Encoding (RFC 9110, 12.5.3) admits gzip: by name, or by "*" when not named; a
// weight of zero refuses.
bool AcceptsGzip(std::string_view header) {
  std::optional<bool> named, any;
  while (!header.empty()) {
    const size_t end = std::min(header.find(','), header.size());
    const std::string_view item = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    const size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view coding = Trim(item.substr(0, semicolon));
    std::string_view weight = Trim(item.substr(std::min(semicolon + 1, item.size())));
    const bool zero = (weight.starts_with("q=") || weight.starts_with("Q=")) &&
                      weight.find_first_not_of("0.", 2) == std::string_view::npos;
    if (coding == "gzip" || coding == "x-gzip") named = !zero;
    if (coding == "*") any = !zero;
  }
  return named.value_or(any.value_or(false));
}

void Compress(Response& response, const Request& request) {
  if (response.body.size() < kMinCompressBytes) return;
  if (!AcceptsGzip(request.header("accept-encoding"))) return;
  response.body = GzipCompress(response.body);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace

struct Router::Impl {
  struct Entry {
    Route route;
    std::vector<std::string> segments;
    // Made at the first request: a site that scrapes itself pays for the handlers it uses.
    mutable std::once_flag once;
    mutable HistogramMetric seconds;
  };

  std::string prefix;
  Regex origins;
  Executor& queries;
  Executor& reserved;
  MetricRegistry& metrics;
  const Clock& clock;
  std::vector<std::unique_ptr<Entry>> entries;
  mutable std::mutex mutex;
  mutable std::map<std::pair<std::string, int>, Counter> counters;

  struct Found;
  Found Find(const Request& request) const;

  void Observe(const Entry& entry, double seconds) const {
    std::call_once(entry.once, [&] {
      entry.seconds = metrics.GetHistogram(
          "prometheus_http_request_duration_seconds", "Histogram of latencies for HTTP requests.",
          {.1, .2, .4, 1, 3, 8, 20, 60, 120}, {{"handler", entry.route.pattern}});
    });
    entry.seconds.Observe(seconds);
  }

  void Count(const std::string& handler, int code) const {
    Counter counter;
    {
      std::lock_guard lock(mutex);
      auto [it, fresh] = counters.try_emplace({handler, code});
      if (fresh) {
        it->second =
            metrics.GetCounter("prometheus_http_requests_total", "Counter of HTTP requests.",
                               {{"handler", handler}, {"code", std::to_string(code)}});
      }
      counter = it->second;
    }
    counter.Add();
  }

  // Wraps `respond`: counting, CORS, compression, all on the thread that answers.
  Responder Wrap(const Entry* entry, std::shared_ptr<const Request> request,
                 Responder respond) const {
    const MonotonicTime start = clock.Monotonic();
    return [this, entry, request = std::move(request), respond = std::move(respond),
            start](Response response) {
      Count(entry ? entry->route.pattern : "/unknown", response.status);
      if (entry) Observe(*entry, ToSeconds(clock.Monotonic() - start));
      AddCors(response, *request, origins);
      Compress(response, *request);
      respond(std::move(response));
    };
  }
};

Router::Router(std::string prefix, Regex origins, Executor& queries, Executor& reserved,
               MetricRegistry& metrics, const Clock& clock)
    : impl_(new Impl{
          std::move(prefix), std::move(origins), queries, reserved, metrics, clock, {}, {}, {}}) {
  while (impl_->prefix.ends_with('/')) impl_->prefix.pop_back();
}

Router::~Router() = default;

void Router::Add(std::vector<Route> routes) {
  for (Route& route : routes) {
    auto entry = std::make_unique<Impl::Entry>();
    for (std::string_view segment : Segments(route.pattern)) entry->segments.emplace_back(segment);
    entry->route = std::move(route);
    impl_->entries.push_back(std::move(entry));
  }
}

// The entry that answers a request, or why there is none.
struct Router::Impl::Found {
  const Entry* entry = nullptr;
  PathArgs args;
  Response refusal;
};

Router::Impl::Found Router::Impl::Find(const Request& request) const {
  std::string_view path = request.path;
  Found found;
  const auto fail = [&](int status, std::string text, HttpHeaders headers = {}) {
    found.refusal.status = status;
    found.refusal.body = std::move(text);
    found.refusal.headers = std::move(headers);
    return std::move(found);
  };
  // Alertmanager's clients read errors as JSON.
  const auto no_route = [&](int status, const std::string& message, HttpHeaders headers = {}) {
    std::string body;
    JsonWriter(body).BeginObject().Field("code", status).Field("message", message).EndObject();
    found.refusal.content_type = "application/json";
    return fail(status, body + "\n", std::move(headers));
  };
  if (!prefix.empty()) {
    const bool below =
        path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
    if (!below) {
      if (path == "/") return fail(302, "", {{"Location", prefix + "/"}});
      return fail(404, "404 page not found\n");
    }
    path.remove_prefix(prefix.size());
  }
  if (path.empty()) path = "/";
  if (path.front() != '/') return fail(404, "404 page not found\n");

  const auto segments = Segments(path);
  std::vector<std::string> allowed;
  for (const auto& entry : entries) {
    if (!Matches(entry->segments, segments, &found.args)) continue;
    if (Allows(entry->route.methods, request.method)) {
      found.entry = entry.get();
      return found;
    }
    allowed.insert(allowed.end(), entry->route.methods.begin(), entry->route.methods.end());
  }
  const bool v2 = path.starts_with("/api/v2/") || path.starts_with("/alertmanager/api/v2/");
  if (allowed.empty()) {
    if (v2) return no_route(404, "path " + request.path + " was not found");
    return fail(404, "404 page not found\n");
  }
  if (request.method == "OPTIONS") return fail(204, "");
  const auto join = [&allowed](std::string_view separator) {
    std::string list;
    for (const std::string& method : allowed) {
      if (!list.empty()) list += separator;
      list += method;
    }
    return list;
  };
  const HttpHeaders allow = {{"Allow", join(", ")}};
  if (v2) {
    return no_route(
        405, "method " + request.method + " is not allowed, but [" + join(",") + "] are", allow);
  }
  return fail(405, "Method Not Allowed\n", allow);
}

void Router::Handle(std::shared_ptr<const Request> request, Responder respond) const {
  auto [entry, args, refusal] = impl_->Find(*request);
  Responder wrapped = impl_->Wrap(entry, request, std::move(respond));
  if (entry == nullptr) return wrapped(std::move(refusal));
  if (entry->route.pool == Pool::kLoop) return entry->route.handler(request, args, wrapped);
  Executor& pool = entry->route.pool == Pool::kQuery ? impl_->queries : impl_->reserved;
  pool.Post([e = entry, request, args = std::move(args), wrapped = std::move(wrapped)] {
    e->route.handler(request, args, wrapped);
  });
}

void Router::Admit(const std::shared_ptr<const Request>& request, const Responder& respond) const {
  auto found = impl_->Find(*request);
  if (found.entry == nullptr) return impl_->Wrap(nullptr, request, respond)(found.refusal);
  const bool upload = found.entry->route.pool == Pool::kReserved;
  const auto length = ParseUint(request->header("content-length"));
  if (upload || (length && *length <= kMaxForm)) return respond({.status = 100});
  Response refusal{.status = 413};
  refusal.body =
      "request body larger than " + std::to_string(kMaxForm) + " bytes, or of unknown size\n";
  impl_->Wrap(found.entry, request, respond)(std::move(refusal));
}

}  // namespace tocsin::http
