#include "ingest/scrape/scrape_request.h"

#include <fmt/format.h>

#include <array>

#include "ingest/media_type.h"

namespace tocsin::ingest {
namespace {

struct Protocol {
  std::string_view name;
  std::string_view media;
  bool escaping;
};
constexpr std::array<Protocol, 4> kProtocols{{
    {"OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0", true},
    {"OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1", false},
    {"PrometheusText1.0.0", "text/plain;version=1.0.0", true},
    {"PrometheusText0.0.4", "text/plain;version=0.0.4", false},
}};

void AppendProtocol(std::string& out, const Protocol& protocol, const std::string& escaping,
                    int* weight) {
  out += protocol.media;
  if (protocol.escaping) out += ";escaping=" + escaping;
  out += fmt::format(";q=0.{},", (*weight)--);
}

std::string_view ReasonPhrase(int status) {
  struct Reason {
    int status;
    std::string_view text;
  };
  static constexpr std::array<Reason, 31> kReasons{{
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {413, "Request Entity Too Large"},
      {415, "Unsupported Media Type"},
      {418, "I'm a teapot"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  }};
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.text;
  }
  return "";
}

}  // namespace

std::string AcceptHeader(const std::vector<std::string>& protocols, const std::string& escaping) {
  std::string out;
  int weight = 6;
  if (protocols.empty()) {
    for (const Protocol& protocol : kProtocols) AppendProtocol(out, protocol, escaping, &weight);
  }
  for (const std::string& name : protocols) {
    for (const Protocol& protocol : kProtocols) {
      if (protocol.name == name) AppendProtocol(out, protocol, escaping, &weight);
    }
  }
  return out + fmt::format("*/*;q=0.{}", weight);
}

HttpRequest MakeScrapeRequest(const ScrapeConfig& config, const ScrapeTarget& target,
                              const std::string& user_agent,
                              std::shared_ptr<const TransportConfig> transport) {
  HttpRequest request;
  request.url = target.url;
  request.headers = {
      {"Accept", AcceptHeader(config.scrape_protocols, config.escaping_scheme)},
      {"User-Agent", user_agent},
      {"X-Prometheus-Scrape-Timeout-Seconds", fmt::format("{}", ToSeconds(target.timeout))}};
  if (!config.enable_compression) request.headers.emplace_back("Accept-Encoding", "identity");
  request.timeout = target.timeout;
  // A body of exactly the limit is over it, as in Prometheus.
  request.max_response_bytes =
      config.body_size_limit != 0 ? config.body_size_limit - 1 : kDefaultBodyLimit;
  request.unix_socket = target.unix_socket;
  request.accept_compressed = config.enable_compression;
  request.config = std::move(transport);
  return request;
}

std::string StatusError(int status) {
  const std::string_view reason = ReasonPhrase(status);
  return fmt::format("server returned HTTP status {}{}{}", status, reason.empty() ? "" : " ",
                     reason);
}

Result<PageFormat> ChooseFormat(std::string_view content_type, const std::string& fallback) {
  const std::string_view media = MediaType(content_type);
  if (media == "application/openmetrics-text") return PageFormat::kOpenMetrics;
  if (media == "text/plain") return PageFormat::kText;
  if (!fallback.empty())
    return fallback.starts_with("OpenMetrics") ? PageFormat::kOpenMetrics : PageFormat::kText;
  if (media.empty()) {
    return InvalidArgument(
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
        "specified for target");
  }
  return InvalidArgument(
      fmt::format("received unsupported Content-Type \"{}\" and no fallback_scrape_protocol "
                  "specified for target",
                  content_type));
}

}  // namespace tocsin::ingest
