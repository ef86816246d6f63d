#include "alerting/notify/pagerduty.h"

#include "alerting/config_types.h"
#include "alerting/notify/http_delivery.h"
#include "alerting/notify/template_data.h"
#include "alerting/notify/yaml_json.h"
#include "storage/base/crypto.h"
#include "storage/base/json.h"

namespace tocsin::alerting {
namespace {

constexpr size_t kMaxSummaryRunes = 1024;
constexpr size_t kMaxEventBytes = 512'000;
constexpr std::string_view kV1Url =
    "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
constexpr std::string_view kV2Path = "/v2/enqueue";
constexpr std::string_view kDetailsRemoved =
    R"({"error":"Custom details have been removed because the original event exceeds the )"
    R"(maximum size of 512KB"})";

struct PagerdutyImage {
  std::string src, alt, href;
};
struct PagerdutyLink {
  std::string href, text;
};

// Every text is a template.
struct PagerdutySettings {
  TransportConfigPtr http;
  SecretSource service_key;  // v1
  SecretSource routing_key;  // v2
  std::string url;
  std::string client = R"({{ template "pagerduty.default.client" . }})";
  std::string client_url = R"({{ template "pagerduty.default.clientURL" . }})";
  std::string description = R"({{ template "pagerduty.default.description" .}})";
  YamlNode details;
  std::vector<PagerdutyImage> images;
  std::vector<PagerdutyLink> links;
  std::string source;
  std::string severity = "error";
  std::string event_class, component, group;
  Duration timeout{0};
};

// The user's details over the defaults, as JSON members by rendered name.
std::string RenderDetails(const PagerdutySettings& s, const Notification& n, Renderer& render) {
  size_t firing = 0;
  for (const NotifiedAlert& a : n.alerts) firing += a.resolved ? 0 : 1;
  std::map<std::string, std::string> members = {
      {"firing", AlertListJson(n.alerts, false)},
      {"resolved", AlertListJson(n.alerts, true)},
      {"num_firing", std::to_string(firing)},
      {"num_resolved", std::to_string(n.alerts.size() - firing)}};
  for (const auto& [key, value] : s.details.members) {
    std::string& json = members[render.Text("details", key.scalar)];
    json.clear();
    AppendRenderedJson(json, value, render, "details");
  }
  std::string out;
  JsonWriter json(out, true);
  json.BeginObject();
  for (const auto& [key, value] : members) json.Key(key).Raw(value);
  json.EndObject();
  return out;
}

// The rendered parts of an event.
struct Event {
  std::string key;  // service or routing key
  std::string dedup;
  bool resolve = false;
  std::string summary, client, client_url, details;
};

void AppendOptional(JsonWriter& json, std::string_view key, const std::string& value) {
  if (!value.empty()) json.Field(key, value);
}

std::string BodyV1(const Event& e) {
  std::string out;
  JsonWriter json(out, true);
  json.BeginObject();
  json.Field("service_key", e.key);
  json.Field("incident_key", e.dedup);
  json.Field("event_type", std::string_view(e.resolve ? "resolve" : "trigger"));
  AppendOptional(json, "description", e.summary);
  json.Field("event_action", std::string_view());
  json.Key("payload").Null();
  if (!e.resolve) {
    AppendOptional(json, "client", e.client);
    AppendOptional(json, "client_url", e.client_url);
  }
  json.Key("details").Raw(e.details);
  json.EndObject();
  out.push_back('\n');
  return out;
}

void AppendPayload(JsonWriter& json, const PagerdutySettings& s, const Event& e, Renderer& render) {
  json.Key("payload").BeginObject();
  json.Field("summary", e.summary);
  json.Field("source", render.Text("source", s.source.empty() ? s.client : s.source));
  json.Field("severity", render.Text("severity", s.severity));
  AppendOptional(json, "class", render.Text("class", s.event_class));
  AppendOptional(json, "component", render.Text("component", s.component));
  AppendOptional(json, "group", render.Text("group", s.group));
  json.Key("custom_details").Raw(e.details);
  json.EndObject();
}

void AppendImages(JsonWriter& json, const PagerdutySettings& s, Renderer& render) {
  std::string list;
  JsonWriter inner(list, true);
  inner.BeginArray();
  for (const PagerdutyImage& image : s.images) {
    const std::string src = render.Text("images", image.src);
    if (src.empty()) continue;
    inner.BeginObject();
    inner.Field("src", src);
    inner.Field("alt", render.Text("images", image.alt));
    inner.Field("href", render.Text("images", image.href));
    inner.EndObject();
  }
  inner.EndArray();
  if (list != "[]") json.Key("images").Raw(list);
}

void AppendLinks(JsonWriter& json, const PagerdutySettings& s, Renderer& render) {
  std::string list;
  JsonWriter inner(list, true);
  inner.BeginArray();
  for (const PagerdutyLink& link : s.links) {
    const std::string href = render.Text("links", link.href);
    if (href.empty()) continue;
    inner.BeginObject();
    inner.Field("href", href);
    inner.Field("text", render.Text("links", link.text));
    inner.EndObject();
  }
  inner.EndArray();
  if (list != "[]") json.Key("links").Raw(list);
}

std::string BodyV2(const PagerdutySettings& s, const Event& e, Renderer& render) {
  std::string out;
  JsonWriter json(out, true);
  json.BeginObject();
  json.Field("routing_key", e.key);
  json.Field("dedup_key", e.dedup);
  json.Field("event_action", std::string_view(e.resolve ? "resolve" : "trigger"));
  AppendPayload(json, s, e, render);
  AppendOptional(json, "client", e.client);
  AppendOptional(json, "client_url", e.client_url);
  AppendImages(json, s, render);
  AppendLinks(json, s, render);
  json.EndObject();
  out.push_back('\n');
  return out;
}

class PagerdutyNotifier final : public Notifier {
 public:
  PagerdutyNotifier(const PagerdutySettings& settings, const NotifierPorts& ports)
      : settings_(settings), ports_(ports) {}

  Result<std::unique_ptr<Delivery>> Prepare(const Notification& n) const override {
    const bool v1 = !settings_.service_key.empty();
    Renderer render(ports_, n);
    Event e;
    TOCSIN_ASSIGN(const std::string key,
                  (v1 ? settings_.service_key : settings_.routing_key).Read(ports_.files));
    e.key = render.Text(v1 ? "service_key" : "routing_key", key);
    e.dedup = Sha256Hex(n.group_key);
    e.resolve = StatusText(n.alerts) == "resolved";
    e.summary = TruncateRunes(render.Text("description", settings_.description), kMaxSummaryRunes);
    e.client = render.Text("client", settings_.client);
    e.client_url = render.Text("client_url", settings_.client_url);
    e.details = RenderDetails(settings_, n, render);
    std::string body = Body(v1, e, render);
    if (body.size() > kMaxEventBytes) {
      e.details = kDetailsRemoved;
      body = Body(v1, e, render);
    }
    TOCSIN_RETURN_IF_ERROR(render.status());
    if (e.key.empty()) {
      return InvalidArgument(std::string(v1 ? "service" : "routing") +
                             " key cannot be empty after templating");
    }
    HttpDeliveryOptions options;
    options.timeout = settings_.timeout;
    options.retry_codes = {v1 ? 403 : 429};
    return MakeHttpDelivery(ports_.transport,
                            JsonRequest(settings_.url, std::move(body), settings_.http),
                            std::move(options));
  }

 private:
  std::string Body(bool v1, const Event& e, Renderer& render) const {
    return v1 ? BodyV1(e) : BodyV2(settings_, e, render);
  }

  const PagerdutySettings& settings_;
  const NotifierPorts ports_;
};

class PagerdutyConfig final : public IntegrationConfig {
 public:
  PagerdutyConfig(PagerdutySettings settings, bool send_resolved)
      : IntegrationConfig("pagerduty", send_resolved), settings_(std::move(settings)) {}

  std::unique_ptr<Notifier> Build(const NotifierPorts& ports) const override {
    return std::make_unique<PagerdutyNotifier>(settings_, ports);
  }

 private:
  PagerdutySettings settings_;
};

Status ReadImages(StrictMap& map, PagerdutySettings& out) {
  const YamlNode* list = map.Get("images");
  if (list == nullptr) return OkStatus();
  for (const YamlNode& item : list->items) {
    PagerdutyImage image;
    StrictMap inner(item, "pagerduty image");
    inner.Read("src", &image.src);
    inner.Read("alt", &image.alt);
    inner.Read("href", &image.href);
    TOCSIN_RETURN_IF_ERROR(inner.Finish());
    out.images.push_back(std::move(image));
  }
  return OkStatus();
}

Status ReadLinks(StrictMap& map, PagerdutySettings& out) {
  const YamlNode* list = map.Get("links");
  if (list == nullptr) return OkStatus();
  for (const YamlNode& item : list->items) {
    PagerdutyLink link;
    StrictMap inner(item, "pagerduty link");
    inner.Read("href", &link.href);
    inner.Read("text", &link.text);
    TOCSIN_RETURN_IF_ERROR(inner.Finish());
    out.links.push_back(std::move(link));
  }
  return OkStatus();
}

// v1 events go to a fixed address, and Alertmanager ignores `url` for them. Here a receiver's own
// `url` is used for v1, too, unless it is a v2 one (a frequent copy, which Alertmanager accepts).
void ResolveUrl(const YamlNode& node, const IntegrationContext& context, PagerdutySettings& out) {
  const bool own_url = !out.url.empty();
  if (!own_url) out.url = context.global.pagerduty_url;
  if (out.service_key.empty()) return;
  if (own_url && !out.url.ends_with(kV2Path)) {
    context.warnings.push_back(
        node.MakeError("events with a service_key go to the url of this section; Alertmanager "
                       "would send them to " +
                       std::string(kV1Url))
            .message());
  } else {
    out.url = kV1Url;
  }
}

}  // namespace

Result<std::unique_ptr<IntegrationConfig>> ParsePagerdutyConfig(const YamlNode& node,
                                                                const IntegrationContext& context) {
  PagerdutySettings out;
  bool send_resolved = true;
  StrictMap map(node, "pagerduty config");
  map.Read("send_resolved", &send_resolved);
  TOCSIN_ASSIGN(out.http, ReadHttpConfig(map, context.base_file, context.global.http));
  ReadSecret(map, "service_key", context.base_file, &out.service_key);
  ReadSecret(map, "routing_key", context.base_file, &out.routing_key);
  map.Read("url", &out.url);
  if (const YamlNode* url = map.Get("url")) TOCSIN_RETURN_IF_ERROR(CheckUrl(*url, url->scalar));
  map.Read("client", &out.client);
  map.Read("client_url", &out.client_url);
  map.Read("description", &out.description);
  if (const YamlNode* details = map.Get("details")) {
    if (details->kind != YamlNode::Kind::kMap) return details->MakeError("details must be a map");
    out.details = *details;
  }
  TOCSIN_RETURN_IF_ERROR(ReadImages(map, out));
  TOCSIN_RETURN_IF_ERROR(ReadLinks(map, out));
  map.Read("source", &out.source);
  map.Read("severity", &out.severity);
  map.Read("class", &out.event_class);
  map.Read("component", &out.component);
  map.Read("group", &out.group);
  out.timeout = ReadGoDuration(map, "timeout");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (out.service_key.empty() && out.routing_key.empty()) {
    return node.MakeError("missing service or routing key in PagerDuty config");
  }
  ResolveUrl(node, context, out);
  return std::unique_ptr<IntegrationConfig>(
      std::make_unique<PagerdutyConfig>(std::move(out), send_resolved));
}

}  // namespace tocsin::alerting
