#include "alerting/template_render.h"

#include "alerting/notify/default_templates.h"
#include "alerting/notify/template_data.h"
#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

std::string TextAt(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.Find(key);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : "";
}

Labels PairsAt(const JsonValue& json, std::string_view key) {
  LabelsBuilder builder;
  const JsonValue* pairs = json.Find(key);
  if (pairs != nullptr && pairs->AsObject() != nullptr) {
    for (const auto& [name, value] : *pairs->AsObject()) {
      if (value.AsString() != nullptr) builder.Set(name, *value.AsString());
    }
  }
  return builder.Build();
}

Timestamp TimeAt(const JsonValue& json, std::string_view key) {
  const auto time = ParseRfc3339(TextAt(json, key));
  return time.ok() ? *time : Timestamp{};
}

Notification FromJson(const JsonValue& data, std::string* external_url) {
  Notification out;
  out.receiver = TextAt(data, "receiver");
  out.group_labels = PairsAt(data, "groupLabels");
  out.reason = TextAt(data, "notification_reason");
  *external_url = TextAt(data, "externalURL");
  const JsonValue* alerts = data.Find("alerts");
  if (alerts == nullptr || alerts->AsArray() == nullptr) return out;
  for (const JsonValue& json : *alerts->AsArray()) {
    auto alert = std::make_shared<Alert>();
    alert->labels = PairsAt(json, "labels");
    alert->annotations = PairsAt(json, "annotations");
    alert->starts_at = TimeAt(json, "startsAt");
    alert->ends_at = TimeAt(json, "endsAt");
    alert->generator_url = TextAt(json, "generatorURL");
    out.alerts.push_back({alert, TextAt(json, "status") == "resolved"});
  }
  return out;
}

Notification Example(Timestamp now, std::string* external_url) {
  Notification out;
  out.receiver = "receiver";
  out.reason = "first notification";
  out.group_labels = Labels{{"alertname", "DiskFull"}};
  *external_url = "https://example.com";
  for (const char* instance : {"a.example.com:9100", "b.example.com:9100"}) {
    auto alert = std::make_shared<Alert>();
    alert->labels = Labels{{"alertname", "DiskFull"},
                           {"instance", instance},
                           {"job", "node"},
                           {"severity", "warning"}};
    alert->annotations = Labels{{"summary", "The disk is full"}};
    alert->starts_at = now - Duration{300'000};
    alert->ends_at = now;
    alert->generator_url = "https://generator.example.com";
    out.alerts.push_back({alert, out.alerts.size() == 1});
  }
  return out;
}

}  // namespace

Result<std::string> RenderTemplate(const TemplateRenderRequest& request, const FileSystem& files) {
  const FunctionTable functions = AlertmanagerFunctions([now = request.now] { return now; });
  TemplateSet set;
  for (const BuiltInTemplate& t : BuiltInTemplates()) {
    TOCSIN_RETURN_IF_ERROR(set.Parse(t.name, t.text, functions));
  }
  for (const std::string& glob : request.globs) {
    for (const std::string& path : files.Glob(glob)) {
      TOCSIN_ASSIGN(const std::string text, files.ReadFile(path));
      TOCSIN_RETURN_IF_ERROR(set.Parse(path.substr(path.rfind('/') + 1), text, functions));
    }
  }
  std::string external_url;
  const Notification notification = request.data.is_null() ? Example(request.now, &external_url)
                                                           : FromJson(request.data, &external_url);
  return set.Expand("", request.text, MakeTemplateData(notification, external_url, {}), functions,
                    request.html);
}

}  // namespace tocsin::alerting
