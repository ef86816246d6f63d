// Samples from other senders, and remote read.
#include "http/api/response.h"
#include "http/api/routes.h"

namespace tocsin::http {

namespace {

Response Answer(const ingest::WriteResponse& written, bool version_2) {
  Response response = TextResponse(written.status, written.message);
  if (!response.body.empty()) response.body += '\n';
  if (!version_2) return response;
  constexpr std::string_view kPrefix = "X-Prometheus-Remote-Write-";
  const auto count = [&](std::string_view kind, uint64_t n) {
    response.headers.emplace_back(std::string(kPrefix).append(kind).append("-Written"),
                                  std::to_string(n));
  };
  count("Samples", written.samples);
  count("Histograms", written.histograms);
  count("Exemplars", written.exemplars);
  return response;
}

void Write(const ContextPtr& context, const std::shared_ptr<const Request>& request,
           const Responder& respond) {
  if (!context->state.enable_remote_write) {
    return respond(TextResponse(404,
                                "remote write receiver needs to be enabled with "
                                "--web.enable-remote-write-receiver\n"));
  }
  if (context->remote_write == nullptr) {
    return respond(TextResponse(503, "remote write is not running in this process\n"));
  }
  const std::string_view type = request->header("content-type");
  const bool version_2 = type.find("io.prometheus.write.v2.Request") != std::string_view::npos;
  context->remote_write->Handle(
      type, request->header("content-encoding"), request->body,
      [request, respond, version_2](const ingest::WriteResponse& written) {
        respond(Answer(written, version_2));
      });
}

void Read(const ContextPtr&, const std::shared_ptr<const Request>&, const Responder& respond) {
  respond(TextResponse(501, "remote read is not available in tocsin\n"));
}

void Otlp(const ContextPtr&, const std::shared_ptr<const Request>&, const Responder& respond) {
  respond(TextResponse(404, "the OTLP receiver is not available in tocsin\n"));
}

}  // namespace

std::vector<Route> WriteRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"POST", "/api/v1/write", Pool::kReserved, nullptr, &Write},
      {"POST", "/api/v1/read", Pool::kLoop, nullptr, &Read},
      {"POST", "/api/v1/otlp/v1/metrics", Pool::kLoop, nullptr, &Otlp},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
