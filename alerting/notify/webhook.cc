#include "alerting/notify/webhook.h"

#include "alerting/config_types.h"
#include "alerting/notify/http_delivery.h"
#include "alerting/notify/template_data.h"
#include "alerting/notify/yaml_json.h"
#include "storage/base/json.h"

namespace tocsin::alerting {
namespace {

struct WebhookSettings {
  TransportConfigPtr http;
  SecretSource url;
  uint64_t max_alerts = 0;
  Duration timeout{0};
  YamlNode payload;  // null: the usual body
};

class WebhookNotifier final : public Notifier {
 public:
  WebhookNotifier(const WebhookSettings& settings, const NotifierPorts& ports)
      : settings_(settings), ports_(ports) {}

  Result<std::unique_ptr<Delivery>> Prepare(const Notification& n) const override {
    Renderer render(ports_, n);
    TOCSIN_ASSIGN(const std::string url_template, settings_.url.Read(ports_.files));
    const std::string url = render.Text("url", url_template);
    std::string body;
    if (settings_.payload.is_null()) {
      body = WebhookBody(n, ports_.external_url, render.route_labels(), settings_.max_alerts);
    } else {
      AppendRenderedJson(body, settings_.payload, render, "payload");
      body.push_back('\n');
    }
    TOCSIN_RETURN_IF_ERROR(render.status());
    if (url.empty()) return InvalidArgument("webhook url is empty after templating");
    HttpDeliveryOptions options;
    options.timeout = settings_.timeout;
    return MakeHttpDelivery(ports_.transport, JsonRequest(url, std::move(body), settings_.http),
                            std::move(options));
  }

 private:
  const WebhookSettings& settings_;
  const NotifierPorts ports_;
};

class WebhookConfig final : public IntegrationConfig {
 public:
  WebhookConfig(WebhookSettings settings, bool send_resolved)
      : IntegrationConfig("webhook", send_resolved), settings_(std::move(settings)) {}

  std::unique_ptr<Notifier> Build(const NotifierPorts& ports) const override {
    return std::make_unique<WebhookNotifier>(settings_, ports);
  }

 private:
  WebhookSettings settings_;
};

void AppendMap(JsonWriter& json, const TemplateStringMap& map) {
  json.BeginObject();
  for (const auto& [name, value] : map) json.Field(name, value);
  json.EndObject();
}

}  // namespace

std::string WebhookBody(const Notification& n, const std::string& external_url,
                        const TemplateStringMap& route_labels, size_t max_alerts) {
  std::vector<NotifiedAlert> alerts = n.alerts;
  size_t left_out = 0;
  if (max_alerts > 0 && alerts.size() > max_alerts) {
    left_out = alerts.size() - max_alerts;
    alerts.resize(max_alerts);
  }
  const CommonPairs common = FindCommonPairs(alerts);
  std::string out;
  JsonWriter json(out, true);
  json.BeginObject();
  json.Field("receiver", QuoteMeta(n.receiver));
  json.Field("status", StatusText(alerts));
  json.Key("alerts").BeginArray();
  for (const NotifiedAlert& a : alerts) {
    std::string one;
    AppendAlertJson(one, a);
    json.Raw(one);
  }
  json.EndArray();
  json.Field("notification_reason", n.reason);
  json.Key("groupLabels");
  AppendMap(json, ToStringMap(n.group_labels));
  json.Key("commonLabels");
  AppendMap(json, common.labels);
  json.Key("commonAnnotations");
  AppendMap(json, common.annotations);
  json.Key("routeLabels");
  AppendMap(json, route_labels);
  json.Field("externalURL", external_url);
  json.Field("version", std::string_view("4"));
  json.Field("groupKey", n.group_key);
  json.Field("truncatedAlerts", left_out);
  json.EndObject();
  out.push_back('\n');
  return out;
}

Result<std::unique_ptr<IntegrationConfig>> ParseWebhookConfig(const YamlNode& node,
                                                              const IntegrationContext& context) {
  WebhookSettings out;
  bool send_resolved = true;
  StrictMap map(node, "webhook config");
  map.Read("send_resolved", &send_resolved);
  TOCSIN_ASSIGN(out.http, ReadHttpConfig(map, context.base_file, context.global.http));
  ReadSecret(map, "url", context.base_file, &out.url);
  map.Read("max_alerts", &out.max_alerts);
  out.timeout = ReadGoDuration(map, "timeout");
  if (const YamlNode* payload = map.Get("payload")) out.payload = *payload;
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (out.url.empty()) {
    return node.MakeError("one of url or url_file must be configured");
  }
  // A templated URL can only be judged when rendered.
  const YamlNode* url = node.Find("url");
  if (url != nullptr && url->scalar.find("{{") == std::string::npos && !url->is_null()) {
    TOCSIN_RETURN_IF_ERROR(CheckUrl(*url, url->scalar));
  }
  return std::unique_ptr<IntegrationConfig>(
      std::make_unique<WebhookConfig>(std::move(out), send_resolved));
}

}  // namespace tocsin::alerting
