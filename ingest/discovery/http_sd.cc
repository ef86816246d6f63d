// http_sd: a list of targets from a URL, asked for again and again.
#include <fmt/format.h>

#include "ingest/discovery/registry.h"
#include "storage/base/log.h"
#include "storage/config/url.h"

namespace tocsin::ingest {
namespace {

constexpr uint64_t kMaxAnswerBytes = 16u << 20;

class HttpDiscoverer final : public Discoverer {
 public:
  HttpDiscoverer(const HttpSdConfig& config, const DiscoveryPorts& ports, EmitGroups emit)
      : state_(std::make_shared<State>(config, ports, std::move(emit))) {
    State::Refresh(state_);
  }
  ~HttpDiscoverer() override {
    std::lock_guard lock(state_->mutex);
    state_->stopped = true;
    state_->exchange.reset();
    state_->timer.Cancel();
  }

 private:
  struct State {
    State(const HttpSdConfig& c, const DiscoveryPorts& p, EmitGroups e)
        : config(c),
          transport_config(std::make_shared<const TransportConfig>(c.transport)),
          user_agent(p.user_agent),
          scheduler(p.scheduler),
          transport(p.transport),
          strand(p.workers),
          emit(std::move(e)),
          http_failures(p.metrics.GetCounter("prometheus_sd_http_failures_total",
                                             "Number of HTTP service discovery refresh failures.")),
          failures(p.metrics.GetCounter("prometheus_sd_refresh_failures_total",
                                        "Number of refresh failures for the given SD mechanism.",
                                        {{"mechanism", "http"}})) {}

    static void Refresh(const std::shared_ptr<State>& self) {
      HttpRequest request;
      request.url = self->config.url;
      request.headers = {{"User-Agent", self->user_agent},
                         {"Accept", "application/json"},
                         {"X-Prometheus-Refresh-Interval-Seconds",
                          fmt::format("{}", ToSeconds(self->config.refresh_interval))}};
      request.timeout = self->config.refresh_interval;
      request.max_response_bytes = kMaxAnswerBytes;
      request.accept_compressed = true;
      request.config = self->transport_config;
      const std::weak_ptr<State> weak = self;
      std::lock_guard lock(self->mutex);
      if (self->stopped) return;
      self->exchange =
          Fetch(self->transport, std::move(request), [weak](auto response, TransportPhase) {
            if (auto state = weak.lock()) OnAnswer(state, std::move(response));
          });
      self->timer = self->scheduler.After(self->config.refresh_interval, [weak] {
        if (auto state = weak.lock()) Refresh(state);
      });
    }

    static void OnAnswer(const std::shared_ptr<State>& self, Result<HttpResponse> response) {
      self->strand.Post([self, response = std::move(response)] {
        auto groups = self->Parse(response);
        if (!groups.ok()) {
          self->http_failures.Add();
          self->failures.Add();
          log::Error("Cannot refresh targets over HTTP; the last good targets stay",
                     {{"url", self->shown_url}, {"err", groups.error().message()}});
          return;
        }
        {
          std::lock_guard lock(self->mutex);
          if (self->stopped) return;
        }
        if (self->emitted && *groups == self->last) return;
        self->emitted = true;
        self->last = *groups;
        self->emit(*std::move(groups));
      });
    }

    Result<std::vector<TargetGroup>> Parse(const Result<HttpResponse>& response) const {
      if (!response.ok()) return response.error();
      if (response->status != 200) {
        return Error(ErrorCode::kUnavailable,
                     fmt::format("server returned HTTP status {}", response->status));
      }
      const std::string_view type = response->header("Content-Type");
      const std::string_view media = type.substr(0, type.find(';'));
      if (media != "application/json")
        return InvalidArgument(fmt::format("unsupported content type \"{}\"", type));
      TOCSIN_ASSIGN(std::vector<TargetGroup> groups,
                    ParseTargetGroups(response->body, shown_url, true));
      for (TargetGroup& group : groups) {
        LabelsBuilder labels(group.labels);
        labels.Set("__meta_url", config.url);
        group.labels = labels.Build();
      }
      return groups;
    }

    const HttpSdConfig config;
    const std::string shown_url = WithoutUrlPassword(config.url);  // in logs and group names
    const std::shared_ptr<const TransportConfig> transport_config;
    const std::string user_agent;
    Scheduler& scheduler;
    Transport& transport;
    Strand strand;
    const EmitGroups emit;
    const Counter http_failures, failures;
    // Touched on the strand only.
    bool emitted = false;
    std::vector<TargetGroup> last;

    std::mutex mutex;  // guards what follows
    bool stopped = false;
    std::unique_ptr<Exchange> exchange;
    Timer timer;
  };

  std::shared_ptr<State> state_;
};

Status CheckUrl(std::string_view url) {
  if (url.empty()) return InvalidArgument("URL is missing");
  const size_t colon = url.find("://");
  const std::string_view scheme = colon == std::string_view::npos ? "" : url.substr(0, colon);
  if (scheme != "http" && scheme != "https")
    return InvalidArgument("URL scheme must be 'http' or 'https'");
  const std::string_view rest = url.substr(colon + 3);
  if (rest.empty() || rest.front() == '/' || rest.front() == '?' || rest.front() == ':')
    return InvalidArgument("host is missing in URL");
  return OkStatus();
}

}  // namespace

std::unique_ptr<Discoverer> MakeHttpDiscoverer(const HttpSdConfig& config,
                                               const DiscoveryPorts& ports, EmitGroups emit) {
  return std::make_unique<HttpDiscoverer>(config, ports, std::move(emit));
}

Status ReadHttpSdConfig(const YamlNode& node, DiscoveryConfig* out) {
  HttpSdConfig config;
  StrictMap map(node, "http_sd_config");
  map.Read("url", &config.url);
  map.Read("refresh_interval", &config.refresh_interval);
  if (auto status = CheckUrl(config.url); !status.ok()) map.FailAt("url", status.error().message());
  if (config.refresh_interval.count() <= 0)
    map.FailAt("refresh_interval", "refresh_interval must be greater than zero");
  auto transport = ReadTransportConfig(map, node.file);
  if (transport.ok()) {
    config.transport = *std::move(transport);
  } else {
    map.Fail(transport.error());
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  out->http_sd_configs.push_back(std::move(config));
  return OkStatus();
}

}  // namespace tocsin::ingest
