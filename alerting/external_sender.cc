#include "alerting/external_sender.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "storage/base/json.h"
#include "storage/base/log.h"
#include "storage/config/relabel_config.h"
#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

constexpr std::string_view kApiPath = "api/v2/alerts";

void AppendLabels(JsonWriter& json, const Labels& labels) {
  json.BeginObject();
  for (const Label& label : labels) json.Field(label.name, label.value);
  json.EndObject();
}

std::string Body(const std::vector<AlertPtr>& alerts) {
  std::string out;
  JsonWriter json(out, true);
  json.BeginArray();
  for (const AlertPtr& a : alerts) {
    json.BeginObject();
    json.Key("labels");
    AppendLabels(json, a->labels);
    json.Key("annotations");
    AppendLabels(json, a->annotations);
    json.Field("startsAt", FormatRfc3339(a->starts_at, 3));
    json.Field("endsAt", FormatRfc3339(a->ends_at, 3));
    json.Field("generatorURL", a->generator_url);
    json.EndObject();
  }
  json.EndArray();
  return out;
}

std::string PathOf(const std::string& prefix) {
  std::string out = prefix.starts_with('/') ? prefix : "/" + prefix;
  if (!out.ends_with('/')) out.push_back('/');
  return out.append(kApiPath);
}

// The URL that alerts go to; empty when a rule drops the target.
std::string TargetUrl(const ExternalAlertmanagers& element, const Labels& discovered,
                      std::string* dropped) {
  LabelsBuilder labels(discovered);
  if (labels.Get("__scheme__").empty()) labels.Set("__scheme__", element.scheme);
  if (labels.Get("__alerts_path__").empty()) {
    labels.Set("__alerts_path__", PathOf(element.path_prefix));
  }
  const auto url = [&] {
    return std::string(labels.Get("__scheme__")) + "://" + std::string(labels.Get("__address__")) +
           std::string(labels.Get("__alerts_path__"));
  };
  *dropped = url();
  if (!Relabel(element.relabel_configs, labels) || labels.Get("__address__").empty()) return {};
  return url();
}

struct Queue {
  std::string url;
  std::shared_ptr<const ExternalAlertmanagers> element;
  std::deque<AlertPtr> alerts;
  bool sending = false;
  uint64_t batches = 0;  // tells a late exchange from the one under way
  std::unique_ptr<Exchange> exchange;
  Counter sent, errors, dropped;
  SummaryMetric latency;
};
using QueuePtr = std::shared_ptr<Queue>;

struct Element {
  std::shared_ptr<const ExternalAlertmanagers> config;
  std::map<std::string, QueuePtr> queues;  // by URL
  std::vector<std::string> dropped;
};

}  // namespace

Result<ExternalAlertmanagers> ReadExternalAlertmanagers(StrictMap& map,
                                                        const std::string& base_file) {
  ExternalAlertmanagers out;
  std::string version = "v2";
  map.Read("api_version", &version);
  if (version != "v2") {
    map.FailAt("api_version",
               "expected Alertmanager api version to be one of [v2] but got " + version);
  }
  map.Read("scheme", &out.scheme);
  if (out.scheme != "http" && out.scheme != "https") {
    map.FailAt("scheme", "scheme must be http or https");
  }
  map.Read("path_prefix", &out.path_prefix);
  map.Read("timeout", &out.timeout);
  if (const YamlNode* node = map.Get("relabel_configs")) {
    TOCSIN_ASSIGN(out.relabel_configs, ParseRelabelConfigs(*node));
  }
  if (const YamlNode* node = map.Get("alert_relabel_configs")) {
    TOCSIN_ASSIGN(out.alert_relabel_configs, ParseRelabelConfigs(*node));
  }
  if (map.Get("sigv4") != nullptr) map.FailAt("sigv4", "sigv4 is not available here");
  TOCSIN_ASSIGN(TransportConfig transport, ReadTransportConfig(map, base_file));
  out.transport = std::make_shared<const TransportConfig>(std::move(transport));
  return out;
}

struct ExternalSender::Impl : std::enable_shared_from_this<ExternalSender::Impl> {
  explicit Impl(const ExternalSenderPorts& p) : ports(p) {}

  QueuePtr MakeQueue(const std::string& url, std::shared_ptr<const ExternalAlertmanagers> element) {
    auto queue = std::make_shared<Queue>();
    queue->url = url;
    queue->element = std::move(element);
    const MetricLabels labels = {{"alertmanager", url}};
    queue->sent = ports.metrics.GetCounter("prometheus_notifications_sent_total",
                                           "Total number of alerts sent.", labels);
    queue->errors =
        ports.metrics.GetCounter("prometheus_notifications_errors_total",
                                 "Total number of sent alerts affected by errors.", labels);
    queue->dropped = ports.metrics.GetCounter("prometheus_notifications_dropped_total",
                                              "Total number of alerts that nobody takes.", labels);
    queue->latency =
        ports.metrics.GetSummary("prometheus_notifications_latency_seconds",
                                 "How long sending a batch took.", {0.5, 0.9, 0.99}, labels);
    return queue;
  }

  // Sends the next batch of a queue unless one is under way.
  void Pump(const QueuePtr& queue) {
    std::vector<AlertPtr> batch;
    uint64_t id = 0;
    {
      std::lock_guard lock(mutex);
      if (stopped || queue->sending || queue->alerts.empty()) return;
      const size_t n = std::min(kBatch, queue->alerts.size());
      batch.assign(queue->alerts.begin(), queue->alerts.begin() + static_cast<ptrdiff_t>(n));
      queue->alerts.erase(queue->alerts.begin(), queue->alerts.begin() + static_cast<ptrdiff_t>(n));
      queue->sending = true;
      id = ++queue->batches;
    }
    HttpRequest request;
    request.method = "POST";
    request.url = queue->url;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = Body(batch);
    request.timeout = queue->element->timeout;
    request.max_response_bytes = 1u << 20;
    request.config = queue->element->transport;
    const MonotonicTime started = ports.clock.Monotonic();
    auto exchange = Fetch(ports.transport, std::move(request),
                          [weak = weak_from_this(), queue, started, count = batch.size()](
                              Result<HttpResponse> response, TransportPhase /*phase*/) {
                            if (auto self = weak.lock()) {
                              self->OnAnswer(queue, response, count, started);
                            }
                          });
    std::lock_guard lock(mutex);
    if (queue->sending && queue->batches == id && !stopped) queue->exchange = std::move(exchange);
  }

  void OnAnswer(const QueuePtr& queue, const Result<HttpResponse>& response, size_t count,
                MonotonicTime started) {
    queue->latency.Observe(ToSeconds(ports.clock.Monotonic() - started));
    queue->sent.Add(static_cast<double>(count));
    const bool ok = response.ok() && response->status >= 200 && response->status < 300;
    if (!ok) {
      queue->errors.Add(static_cast<double>(count));
      log::Error("Alerts could not be sent to an Alertmanager",
                 {{"alertmanager", queue->url},
                  {"count", count},
                  {"error", response.ok() ? "status " + std::to_string(response->status)
                                          : response.error().message()}});
    }
    ports.workers.Post([weak = weak_from_this(), queue] {
      auto self = weak.lock();
      if (!self) return;
      std::unique_ptr<Exchange> finished;
      {
        std::lock_guard lock(self->mutex);
        finished = std::move(queue->exchange);
        queue->sending = false;
      }
      self->Pump(queue);
    });
  }

  // REQUIRES: mutex is held.
  void Enqueue(Element& element, const std::vector<AlertPtr>& alerts) {
    for (auto& [url, queue] : element.queues) {
      for (const AlertPtr& alert : alerts) queue->alerts.push_back(alert);
      if (queue->alerts.size() <= kQueueCapacity) continue;
      const size_t excess = queue->alerts.size() - kQueueCapacity;
      queue->dropped.Add(static_cast<double>(excess));
      queue->alerts.erase(queue->alerts.begin(),
                          queue->alerts.begin() + static_cast<ptrdiff_t>(excess));
    }
  }

  const ExternalSenderPorts ports;
  mutable std::mutex mutex;
  std::vector<Element> elements;
  bool stopped = false;
};

ExternalSender::ExternalSender(const ExternalSenderPorts& ports)
    : impl_(std::make_shared<Impl>(ports)) {
  const std::weak_ptr<Impl> weak = impl_;
  const auto over_queues = [weak](auto&& value) {
    return [weak, value]() -> double {
      const auto impl = weak.lock();
      if (!impl) return 0;
      std::lock_guard lock(impl->mutex);
      size_t sum = 0;
      for (const Element& element : impl->elements) {
        for (const auto& [url, queue] : element.queues) sum += value(*queue);
      }
      return static_cast<double>(sum);
    };
  };
  ports.metrics.AddCallback("prometheus_notifications_queue_length",
                            "The number of alerts in the queues.", false,
                            over_queues([](const Queue& q) { return q.alerts.size(); }));
  ports.metrics.AddCallback("prometheus_notifications_queue_capacity",
                            "The capacity of each queue.", false,
                            [] { return static_cast<double>(kQueueCapacity); });
  ports.metrics.AddCallback("prometheus_notifications_alertmanagers_discovered",
                            "The number of Alertmanagers that alerts go to.", false,
                            over_queues([](const Queue&) { return size_t{1}; }));
}

ExternalSender::~ExternalSender() {
  std::vector<std::unique_ptr<Exchange>> exchanges;
  std::lock_guard lock(impl_->mutex);
  impl_->stopped = true;
  for (Element& element : impl_->elements) {
    for (auto& [url, queue] : element.queues) exchanges.push_back(std::move(queue->exchange));
  }
}

void ExternalSender::Apply(std::vector<ExternalAlertmanagers> elements) {
  std::vector<Element> next;
  for (ExternalAlertmanagers& e : elements) {
    next.push_back({std::make_shared<const ExternalAlertmanagers>(std::move(e)), {}, {}});
  }
  std::lock_guard lock(impl_->mutex);
  impl_->elements.swap(next);
}

void ExternalSender::SetTargets(size_t index, const std::vector<Labels>& discovered) {
  std::lock_guard lock(impl_->mutex);
  if (index >= impl_->elements.size()) return;
  Element& element = impl_->elements[index];
  std::map<std::string, QueuePtr> queues;
  element.dropped.clear();
  for (const Labels& labels : discovered) {
    std::string dropped;
    const std::string url = TargetUrl(*element.config, labels, &dropped);
    if (url.empty()) {
      element.dropped.push_back(std::move(dropped));
      continue;
    }
    const auto kept = element.queues.find(url);
    queues[url] =
        kept == element.queues.end() ? impl_->MakeQueue(url, element.config) : kept->second;
  }
  element.queues = std::move(queues);
}

void ExternalSender::Send(const std::vector<Alert>& alerts) {
  std::vector<QueuePtr> pump;
  {
    std::lock_guard lock(impl_->mutex);
    for (Element& element : impl_->elements) {
      if (element.queues.empty()) continue;
      std::vector<AlertPtr> relabelled;
      for (const Alert& alert : alerts) {
        auto copy = std::make_shared<Alert>(alert);
        if (!element.config->alert_relabel_configs.empty()) {
          LabelsBuilder labels(alert.labels);
          if (!Relabel(element.config->alert_relabel_configs, labels)) continue;
          copy->labels = labels.Build();
        }
        if (!copy->labels.empty()) relabelled.push_back(std::move(copy));
      }
      impl_->Enqueue(element, relabelled);
      for (auto& [url, queue] : element.queues) pump.push_back(queue);
    }
  }
  for (const QueuePtr& queue : pump) {
    impl_->ports.workers.Post([weak = std::weak_ptr(impl_), queue] {
      if (auto impl = weak.lock()) impl->Pump(queue);
    });
  }
}

ExternalSender::Targets ExternalSender::targets() const {
  std::lock_guard lock(impl_->mutex);
  Targets out;
  for (const Element& element : impl_->elements) {
    for (const auto& [url, queue] : element.queues) out.active.push_back(url);
    out.dropped.insert(out.dropped.end(), element.dropped.begin(), element.dropped.end());
  }
  return out;
}

}  // namespace tocsin::alerting
