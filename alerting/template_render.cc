#include "alerting/template_render.h"

#include "alerting/notify/default_templates.h"
#include "alerting/notify/template_data.h"
#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

constexpr int64_t kGoZeroMs = -62'135'596'800'000;  // 0001-01-01T00:00:00Z

std::string TextAt(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.Find(key);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : "";
}

TemplateStringMap PairsAt(const JsonValue& json, std::string_view key) {
  TemplateStringMap out;
  const JsonValue* pairs = json.Find(key);
  if (pairs != nullptr && pairs->AsObject() != nullptr) {
    for (const auto& [name, value] : *pairs->AsObject()) {
      if (value.AsString() != nullptr) out[name] = *value.AsString();
    }
  }
  return out;
}

TemplateTime TimeAt(const JsonValue& json, std::string_view key) {
  const auto time = ParseRfc3339(TextAt(json, key));
  if (!time.ok() || time->ms == kGoZeroMs) return {.t = {}, .zero = true};
  return {.t = *time};
}

// As it is given: nothing is computed from anything else.
TemplateData FromJson(const JsonValue& json) {
  TemplateData out;
  out.receiver = TextAt(json, "receiver");
  out.status = TextAt(json, "status");
  out.group_labels = PairsAt(json, "groupLabels");
  out.common = {PairsAt(json, "commonLabels"), PairsAt(json, "commonAnnotations")};
  out.external_url = TextAt(json, "externalURL");
  out.reason = TextAt(json, "notification_reason");
  out.route_labels = PairsAt(json, "routeLabels");
  const JsonValue* alerts = json.Find("alerts");
  if (alerts == nullptr || alerts->AsArray() == nullptr) return out;
  for (const JsonValue& alert : *alerts->AsArray()) {
    out.alerts.push_back({.status = TextAt(alert, "status"),
                          .labels = PairsAt(alert, "labels"),
                          .annotations = PairsAt(alert, "annotations"),
                          .starts_at = TimeAt(alert, "startsAt"),
                          .ends_at = TimeAt(alert, "endsAt"),
                          .generator_url = TextAt(alert, "generatorURL"),
                          .fingerprint = TextAt(alert, "fingerprint")});
  }
  return out;
}

TemplateData Example(Timestamp now) {
  TemplateData out;
  out.receiver = "receiver";
  out.status = "firing";
  out.reason = "first notification";
  out.group_labels = {{"alertname", "DiskFull"}};
  out.common.labels = {{"alertname", "DiskFull"}, {"job", "node"}, {"severity", "warning"}};
  out.common.annotations = {{"summary", "The disk is full"}};
  out.external_url = "https://example.com";
  for (const char* instance : {"a.example.com:9100", "b.example.com:9100"}) {
    const bool resolved = !out.alerts.empty();
    TemplateAlert& alert = out.alerts.emplace_back();
    alert.status = resolved ? "resolved" : "firing";
    alert.labels = out.common.labels;
    alert.labels["instance"] = instance;
    alert.annotations = out.common.annotations;
    alert.starts_at = {.t = now - Duration{300'000}};
    alert.ends_at = {.t = now, .zero = !resolved};
    alert.generator_url = "https://generator.example.com";
    alert.fingerprint = resolved ? "fingerprint2" : "fingerprint1";
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
  TemplateData data = request.data.is_null() ? Example(request.now) : FromJson(request.data);
  return set.Expand("", request.text, MakeTemplateData(std::move(data)), functions, request.html);
}

}  // namespace tocsin::alerting
