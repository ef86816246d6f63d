// What is scraped.
#include <algorithm>
#include <map>

#include "http/api/params.h"
#include "http/api/response.h"
#include "http/api/routes.h"
#include "query/language.h"
#include "storage/model/duration.h"

namespace tocsin::http {

namespace {

std::string_view HealthName(ingest::TargetHealth health) {
  switch (health) {
    case ingest::TargetHealth::kUp:
      return "up";
    case ingest::TargetHealth::kDown:
      return "down";
    default:
      return "unknown";
  }
}

struct UrlParts {
  std::string scheme, host, port, rest;  // host without brackets, rest from the path on
};

UrlParts SplitUrl(std::string_view url) {
  UrlParts parts;
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    parts.scheme = std::string(url.substr(0, scheme));
    url.remove_prefix(scheme + 3);
  }
  const size_t path = std::min(url.find_first_of("/?"), url.size());
  parts.rest = std::string(url.substr(path));
  std::string_view authority = url.substr(0, path);
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) parts.port = std::string(authority.substr(colon + 1));
  std::string_view host = authority.substr(0, has_port ? colon : authority.size());
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  parts.host = std::string(host);
  return parts;
}

// The URL as other machines reach the target: loopback names become the external host.
std::string GlobalUrl(const std::string& url, const std::string& external) {
  const UrlParts target = SplitUrl(url);
  const bool loopback =
      target.host == "localhost" || target.host == "127.0.0.1" || target.host == "::1";
  if (!loopback || external.empty()) return url;
  UrlParts to = SplitUrl(external);
  const bool own = to.port == target.port && !to.port.empty();
  if (to.host.find(':') != std::string::npos) to.host = "[" + to.host + "]";
  const std::string scheme = own ? to.scheme : target.scheme;
  const std::string port = target.port.empty() ? "" : ":" + target.port;
  return scheme + "://" + to.host + port + target.rest;
}

void AppendActive(JsonWriter& json, const ingest::TargetStatus& target,
                  const std::string& external_url) {
  std::string labels;
  AppendLabels(labels, target.discovered_labels);
  json.BeginObject().Key("discoveredLabels").Raw(labels);
  labels.clear();
  AppendLabels(labels, target.labels);
  json.Key("labels").Raw(labels).Field("scrapePool", target.scrape_pool);
  json.Field("scrapeUrl", target.url).Field("globalUrl", GlobalUrl(target.url, external_url));
  json.Field("lastError", target.last_error);
  json.Field("lastScrape",
             target.scraped ? FormatTime(target.last_scrape) : std::string(kZeroTime));
  json.Field("lastScrapeDuration", target.last_duration_seconds);
  json.Field("health", HealthName(target.health));
  json.Field("scrapeInterval", FormatDuration(target.interval));
  json.Field("scrapeTimeout", FormatDuration(target.timeout)).EndObject();
}

void AppendDropped(JsonWriter& json, const ingest::DroppedTarget& target) {
  std::string labels;
  AppendLabels(labels, target.discovered_labels);
  json.BeginObject().Key("discoveredLabels").Raw(labels);
  json.Field("scrapePool", target.scrape_pool).EndObject();
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

Result<Response> Targets(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.scrapes == nullptr) return NotRunning("scraping");
  const std::string state = Lower(Param(request, "state"));
  const bool all = state.empty() || state == "any";
  const std::string_view pool = Param(request, "scrapePool");
  const auto wanted = [pool](const auto& target) {
    return pool.empty() || target.scrape_pool == pool;
  };
  ingest::TargetsStatus status = context.scrapes->Targets();
  std::stable_sort(status.active.begin(), status.active.end(),
                   [](const auto& a, const auto& b) { return a.scrape_pool < b.scrape_pool; });
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject().Key("activeTargets").BeginArray();
  if (all || state == "active") {
    for (const auto& target : status.active) {
      if (wanted(target)) AppendActive(json, target, context.state.external_url);
    }
  }
  json.EndArray().Key("droppedTargets").BeginArray();
  const bool dropped = all || state == "dropped";
  if (dropped) {
    for (const auto& target : status.dropped) {
      if (wanted(target)) AppendDropped(json, target);
    }
  }
  json.EndArray().Key("droppedTargetCounts");
  if (dropped) {
    json.BeginObject();
    for (const auto& [name, count] : std::map<std::string, uint64_t>(status.dropped_counts.begin(),
                                                                     status.dropped_counts.end())) {
      json.Field(name, count);
    }
    json.EndObject();
  } else {
    json.Null();
  }
  json.EndObject();
  return std::move(envelope).Finish();
}

Result<Response> TargetsMetadata(const ApiContext& context, const Request& request,
                                 const PathArgs&) {
  if (context.scrapes == nullptr) return NotRunning("scraping");
  TOCSIN_ASSIGN(const int64_t limit, NumberParam(request, "limit", -1));
  std::vector<Matcher> matchers;
  if (const auto text = Param(request, "match_target"); !text.empty()) {
    auto parsed = query::ParseSelector(text);
    if (!parsed.ok()) return InvalidParameter("match_target", parsed.error().message());
    matchers = *std::move(parsed);
  }
  const std::string metric(Param(request, "metric"));
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginArray();
  int64_t count = 0;
  for (const auto& entry : context.scrapes->MetadataOf(metric)) {
    if (!MatchesAll(matchers, entry.target)) continue;
    if (limit >= 0 && count >= limit) break;
    ++count;
    std::string labels;
    AppendLabels(labels, entry.target);
    json.BeginObject().Key("target").Raw(labels);
    if (metric.empty()) json.Field("metric", entry.metric);
    json.Field("type", MetricTypeName(entry.metadata.type)).Field("help", entry.metadata.help);
    json.Field("unit", entry.metadata.unit).EndObject();
  }
  json.EndArray();
  if (count == 0) return NotFound("specified metadata not found");
  return std::move(envelope).Finish();
}

Result<Response> ScrapePools(const ApiContext& context, const Request&, const PathArgs&) {
  if (context.scrapes == nullptr) return NotRunning("scraping");
  auto pools = context.scrapes->ScrapePools();
  std::sort(pools.begin(), pools.end());
  Envelope envelope;
  envelope.data() += "{\"scrapePools\":";
  AppendStrings(envelope.data(), pools);
  envelope.data() += '}';
  return std::move(envelope).Finish();
}

Result<Response> ScrapePoolConfig(const ApiContext&, const Request&, const PathArgs&) {
  return NotAvailable("the configuration of a single scrape pool");
}

Result<Response> RelabelSteps(const ApiContext&, const Request&, const PathArgs&) {
  return NotAvailable("the list of relabel steps");
}

}  // namespace

std::vector<Route> TargetRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/api/v1/targets", Pool::kQuery, &Targets},
      {"GET", "/api/v1/targets/metadata", Pool::kQuery, &TargetsMetadata},
      {"GET", "/api/v1/targets/relabel_steps", Pool::kLoop, &RelabelSteps},
      {"GET", "/api/v1/scrape_pools", Pool::kQuery, &ScrapePools},
      {"GET", "/api/v1/scrape_pools/config", Pool::kLoop, &ScrapePoolConfig},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
