#include "alerting/notify/slack.h"

#include <algorithm>
#include <optional>

#include "alerting/config_types.h"
#include "alerting/notify/http_delivery.h"
#include "alerting/notify/template_data.h"
#include "storage/base/json.h"

namespace tocsin::alerting {
namespace {

constexpr size_t kMaxTitleRunes = 1024;
constexpr std::string_view kPostMessage = "/chat.postMessage";
constexpr std::string_view kUpdateMessage = "/chat.update";

struct SlackField {
  std::string title, value;
  std::optional<bool> is_short;
};
struct SlackConfirm {
  std::string text, title, ok_text, dismiss_text;
};
struct SlackAction {
  std::string type, text, url, style, name, value;
  std::optional<SlackConfirm> confirm;
};

// Every text is a template.
struct SlackSettings {
  TransportConfigPtr http;
  SecretSource api_url;
  SecretSource app_token;
  std::string app_url;
  std::string channel;
  std::string username = R"({{ template "slack.default.username" . }})";
  std::string color = R"({{ if eq .Status "firing" }}danger{{ else }}good{{ end }})";
  std::string title = R"({{ template "slack.default.title" . }})";
  std::string title_link = R"({{ template "slack.default.titlelink" . }})";
  std::string pretext = R"({{ template "slack.default.pretext" . }})";
  std::string text = R"({{ template "slack.default.text" . }})";
  std::string message_text;
  std::vector<SlackField> fields;
  bool short_fields = false;
  std::string footer = R"({{ template "slack.default.footer" . }})";
  std::string fallback = R"({{ template "slack.default.fallback" . }})";
  std::string callback_id = R"({{ template "slack.default.callbackid" . }})";
  std::string icon_emoji = R"({{ template "slack.default.iconemoji" . }})";
  std::string icon_url = R"({{ template "slack.default.iconurl" . }})";
  std::string image_url, thumb_url;
  bool link_names = false;
  std::vector<std::string> mrkdwn_in;
  std::vector<SlackAction> actions;
  bool update_message = false;
  Duration timeout{0};
};

class FieldWriter {
 public:
  FieldWriter(JsonWriter& json, Renderer& render) : json_(json), render_(render) {}

  std::string Always(std::string_view key, const std::string& text) {
    std::string value = render_.Text(key, text);
    json_.Field(key, value);
    return value;
  }
  void Optional(std::string_view key, const std::string& text) {
    const std::string value = render_.Text(key, text);
    if (!value.empty()) json_.Field(key, value);
  }

 private:
  JsonWriter& json_;
  Renderer& render_;
};

void AppendFields(JsonWriter& json, const SlackSettings& s, Renderer& render) {
  if (s.fields.empty()) return;
  json.Key("fields").BeginArray();
  for (const SlackField& f : s.fields) {
    json.BeginObject();
    FieldWriter write(json, render);
    write.Always("title", f.title);
    write.Optional("value", f.value);
    json.Field("short", f.is_short.value_or(s.short_fields));
    json.EndObject();
  }
  json.EndArray();
}

void AppendActions(JsonWriter& json, const SlackSettings& s, Renderer& render) {
  if (s.actions.empty()) return;
  json.Key("actions").BeginArray();
  for (const SlackAction& a : s.actions) {
    json.BeginObject();
    FieldWriter write(json, render);
    write.Always("type", a.type);
    write.Always("text", a.text);
    write.Optional("url", a.url);
    write.Optional("style", a.style);
    write.Optional("name", a.name);
    write.Optional("value", a.value);
    if (a.confirm) {
      json.Key("confirm").BeginObject();
      write.Always("text", a.confirm->text);
      write.Optional("title", a.confirm->title);
      write.Optional("ok_text", a.confirm->ok_text);
      write.Optional("dismiss_text", a.confirm->dismiss_text);
      json.EndObject();
    }
    json.EndObject();
  }
  json.EndArray();
}

void AppendAttachment(JsonWriter& json, const SlackSettings& s, Renderer& render) {
  json.BeginObject();
  FieldWriter write(json, render);
  const std::string title = TruncateRunes(render.Text("title", s.title), kMaxTitleRunes);
  if (!title.empty()) json.Field("title", title);
  write.Optional("title_link", s.title_link);
  write.Optional("pretext", s.pretext);
  write.Always("text", s.text);
  write.Always("fallback", s.fallback);
  write.Always("callback_id", s.callback_id);
  AppendFields(json, s, render);
  AppendActions(json, s, render);
  write.Optional("image_url", s.image_url);
  write.Optional("thumb_url", s.thumb_url);
  write.Always("footer", s.footer);
  write.Optional("color", s.color);
  json.Key("mrkdwn_in").BeginArray();
  for (const std::string& word : s.mrkdwn_in) json.String(word);
  json.EndArray();
  json.EndObject();
}

// `sent`: channel and ts of the message to replace, when there is one.
std::string MessageBody(const SlackSettings& s, Renderer& render,
                        const std::map<std::string, std::string>* sent) {
  std::string out;
  JsonWriter json(out, true);
  json.BeginObject();
  FieldWriter write(json, render);
  if (sent != nullptr) {
    json.Field("channel", sent->at("channel"));
    json.Field("ts", sent->at("ts"));
  } else {
    write.Optional("channel", s.channel);
  }
  write.Optional("username", s.username);
  write.Optional("icon_emoji", s.icon_emoji);
  write.Optional("icon_url", s.icon_url);
  if (s.link_names) json.Field("link_names", true);
  write.Optional("text", s.message_text);
  json.Key("attachments").BeginArray();
  AppendAttachment(json, s, render);
  json.EndArray().EndObject();
  out.push_back('\n');
  return out;
}

// Slack answers 200 for refusals, too: `ok` in JSON, or the plain word.
Status CheckAnswer(const HttpResponse& response, std::map<std::string, std::string>* data) {
  const std::string_view type = response.header("Content-Type");
  if (!type.starts_with("application/json")) {
    if (response.body == "ok") return OkStatus();
    return Error(ErrorCode::kExecution,
                 "received an error response from Slack: " + response.body.substr(0, 200));
  }
  const auto json = ParseJson(response.body);
  if (!json.ok()) return json.error().WithContext("could not read Slack's answer");
  const JsonValue* ok = json->Find("ok");
  if (ok == nullptr || ok->AsBool() == nullptr || !*ok->AsBool()) {
    const JsonValue* error = json->Find("error");
    const std::string* text = error ? error->AsString() : nullptr;
    return Error(ErrorCode::kExecution,
                 "error response from Slack: " + (text ? *text : std::string("ok is not true")));
  }
  for (const char* key : {"ts", "channel"}) {
    const JsonValue* value = json->Find(key);
    if (value != nullptr && value->AsString() != nullptr) (*data)[key] = *value->AsString();
  }
  return OkStatus();
}

class SlackNotifier final : public Notifier {
 public:
  SlackNotifier(const SlackSettings& settings, const NotifierPorts& ports)
      : settings_(settings), ports_(ports) {}

  Result<std::unique_ptr<Delivery>> Prepare(const Notification& n) const override {
    const bool by_token = !settings_.app_token.empty();
    std::string url = settings_.app_url;
    if (!by_token) {
      TOCSIN_ASSIGN(url, settings_.api_url.Read(ports_.files));
    }
    const bool update = settings_.update_message && n.reason != "first notification" &&
                        n.receiver_data.contains("ts") && n.receiver_data.contains("channel");
    if (update && url.ends_with(kPostMessage)) {
      url.replace(url.size() - kPostMessage.size(), kPostMessage.size(), kUpdateMessage);
    }
    Renderer render(ports_, n);
    std::string body = MessageBody(settings_, render, update ? &n.receiver_data : nullptr);
    TOCSIN_RETURN_IF_ERROR(render.status());
    HttpRequest request = JsonRequest(std::move(url), std::move(body), settings_.http);
    if (by_token) {
      TOCSIN_ASSIGN(const std::string token, settings_.app_token.Read(ports_.files));
      request.headers.emplace_back("Authorization", "Bearer " + token);
    }
    HttpDeliveryOptions options;
    options.timeout = settings_.timeout;
    options.check = [keep = settings_.update_message](const HttpResponse& response,
                                                      std::map<std::string, std::string>* data) {
      Status status = CheckAnswer(response, data);
      if (!keep) data->clear();
      return status;
    };
    return MakeHttpDelivery(ports_.transport, std::move(request), std::move(options));
  }

 private:
  const SlackSettings& settings_;
  const NotifierPorts ports_;
};

class SlackConfig final : public IntegrationConfig {
 public:
  SlackConfig(SlackSettings settings, bool send_resolved)
      : IntegrationConfig("slack", send_resolved), settings_(std::move(settings)) {}

  std::unique_ptr<Notifier> Build(const NotifierPorts& ports) const override {
    return std::make_unique<SlackNotifier>(settings_, ports);
  }

 private:
  SlackSettings settings_;
};

Result<SlackField> ParseField(const YamlNode& node) {
  SlackField out;
  StrictMap map(node, "slack field");
  map.Read("title", &out.title);
  map.Read("value", &out.value);
  if (map.Get("short") != nullptr) {
    bool value = false;
    map.Read("short", &value);
    out.is_short = value;
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (out.title.empty()) return node.MakeError("missing title in Slack field configuration");
  if (out.value.empty()) return node.MakeError("missing value in Slack field configuration");
  return out;
}

Result<SlackAction> ParseAction(const YamlNode& node) {
  SlackAction out;
  StrictMap map(node, "slack action");
  map.Read("type", &out.type);
  map.Read("text", &out.text);
  map.Read("url", &out.url);
  map.Read("style", &out.style);
  map.Read("name", &out.name);
  map.Read("value", &out.value);
  if (const YamlNode* confirm = map.Get("confirm")) {
    StrictMap inner(*confirm, "slack confirmation");
    out.confirm.emplace();
    inner.Read("text", &out.confirm->text);
    inner.Read("title", &out.confirm->title);
    inner.Read("ok_text", &out.confirm->ok_text);
    inner.Read("dismiss_text", &out.confirm->dismiss_text);
    TOCSIN_RETURN_IF_ERROR(inner.Finish());
    if (out.confirm->text.empty()) {
      return confirm->MakeError("missing text in Slack confirmation configuration");
    }
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (out.type.empty()) return node.MakeError("missing type in Slack action configuration");
  if (out.text.empty()) return node.MakeError("missing text in Slack action configuration");
  if (out.url.empty() && out.name.empty()) {
    return node.MakeError("missing name or url in Slack action configuration");
  }
  // A link button takes nothing else.
  if (!out.url.empty()) {
    out.name.clear();
    out.value.clear();
    out.confirm.reset();
  }
  return out;
}

void ReadTexts(StrictMap& map, SlackSettings& out) {
  map.Read("channel", &out.channel);
  map.Read("username", &out.username);
  map.Read("color", &out.color);
  map.Read("title", &out.title);
  map.Read("title_link", &out.title_link);
  map.Read("pretext", &out.pretext);
  map.Read("text", &out.text);
  map.Read("message_text", &out.message_text);
  map.Read("short_fields", &out.short_fields);
  map.Read("footer", &out.footer);
  map.Read("fallback", &out.fallback);
  map.Read("callback_id", &out.callback_id);
  map.Read("icon_emoji", &out.icon_emoji);
  map.Read("icon_url", &out.icon_url);
  map.Read("image_url", &out.image_url);
  map.Read("thumb_url", &out.thumb_url);
  map.Read("link_names", &out.link_names);
  map.Read("mrkdwn_in", &out.mrkdwn_in);
  map.Read("update_message", &out.update_message);
  out.timeout = ReadGoDuration(map, "timeout");
}

Status ReadLists(StrictMap& map, SlackSettings& out) {
  if (const YamlNode* fields = map.Get("fields")) {
    for (const YamlNode& item : fields->items) {
      TOCSIN_ASSIGN(SlackField field, ParseField(item));
      out.fields.push_back(std::move(field));
    }
  }
  if (const YamlNode* actions = map.Get("actions")) {
    for (const YamlNode& item : actions->items) {
      TOCSIN_ASSIGN(SlackAction action, ParseAction(item));
      out.actions.push_back(std::move(action));
    }
  }
  return OkStatus();
}

// Where it is sent and as whom: a token, or the URL of an incoming webhook.
Status ResolveTarget(const YamlNode& node, const GlobalConfig& global, SlackSettings& out) {
  if (!out.api_url.empty() && !out.app_token.empty()) {
    return node.MakeError("at most one of api_url and app_token must be configured");
  }
  const bool own_authorization = out.http->authorization.has_value();
  if (out.api_url.empty() && out.app_token.empty() && !own_authorization) {
    out.app_token = global.slack_app_token;
  }
  if (!out.app_token.empty()) return OkStatus();
  if (out.api_url.empty()) out.api_url = global.slack_api_url;
  if (out.api_url.empty() && own_authorization) out.api_url.value = Secret(out.app_url);
  if (out.api_url.empty()) {
    return node.MakeError("no Slack API URL nor App token set either inline or in a file");
  }
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<IntegrationConfig>> ParseSlackConfig(const YamlNode& node,
                                                            const IntegrationContext& context) {
  SlackSettings out;
  bool send_resolved = false;
  StrictMap map(node, "slack config");
  map.Read("send_resolved", &send_resolved);
  TOCSIN_ASSIGN(out.http, ReadHttpConfig(map, context.base_file, context.global.http));
  ReadSecret(map, "api_url", context.base_file, &out.api_url);
  if (const YamlNode* url = map.Get("api_url")) {
    TOCSIN_RETURN_IF_ERROR(CheckUrl(*url, url->scalar));
  }
  ReadSecret(map, "app_token", context.base_file, &out.app_token);
  out.app_url = context.global.slack_app_url;
  map.Read("app_url", &out.app_url);
  if (const YamlNode* url = map.Get("app_url")) {
    TOCSIN_RETURN_IF_ERROR(CheckUrl(*url, url->scalar));
  }
  ReadTexts(map, out);
  TOCSIN_RETURN_IF_ERROR(ReadLists(map, out));
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  TOCSIN_RETURN_IF_ERROR(ResolveTarget(node, context.global, out));
  if (out.mrkdwn_in.empty()) out.mrkdwn_in = {"fallback", "pretext", "text"};
  return std::unique_ptr<IntegrationConfig>(
      std::make_unique<SlackConfig>(std::move(out), send_resolved));
}

}  // namespace tocsin::alerting
