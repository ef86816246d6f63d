#include "alerting/notify/template_data.h"

#include <algorithm>
#include <set>

#include "alerting/template/format.h"
#include "storage/base/json.h"
#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

Error NoSuch(std::string_view name) { return NotFound(std::string(name)); }

TemplateValue MakeObject(std::shared_ptr<const TemplateObject> object) {
  return TemplateValue(std::move(object));
}

// A list of strings with the method Join.
class StringListObject final : public TemplateObject {
 public:
  explicit StringListObject(std::vector<std::string> items) : items_(std::move(items)) {}

  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& args) const override {
    if (name != "Join") return NoSuch(name);
    const auto* separator =
        args.size() == 1 ? std::get_if<std::string>(&args[0].storage()) : nullptr;
    if (separator == nullptr) return InvalidArgument("Join wants one string");
    std::string out;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (i > 0) out += *separator;
      out += items_[i];
    }
    return TemplateValue(std::move(out));
  }
  TemplateValue Underlying() const override {
    TemplateList list;
    for (const std::string& item : items_) list.emplace_back(item);
    return list;
  }
  std::string_view TypeName() const override { return "template.Strings"; }

 private:
  std::vector<std::string> items_;
};

using Pair = std::pair<std::string, std::string>;

class PairObject final : public TemplateObject {
 public:
  explicit PairObject(Pair pair) : pair_(std::move(pair)) {}
  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& /*args*/) const override {
    if (name == "Name") return TemplateValue(pair_.first);
    if (name == "Value") return TemplateValue(pair_.second);
    return NoSuch(name);
  }
  TemplateValue Underlying() const override { return {}; }
  TemplateValue Json() const override {
    return TemplateMap{{"Name", pair_.first}, {"Value", pair_.second}};
  }
  std::optional<std::string> Print() const override { return pair_.first + "=" + pair_.second; }
  std::string_view TypeName() const override { return "template.Pair"; }

 private:
  Pair pair_;
};

std::string JoinPairs(const std::vector<Pair>& pairs) {
  std::string out;
  for (const Pair& p : pairs) {
    if (!out.empty()) out += ", ";
    out += p.first + "=" + p.second;
  }
  return out;
}

TemplateValue NamesOf(const std::vector<Pair>& pairs) {
  std::vector<std::string> out;
  for (const Pair& p : pairs) out.push_back(p.first);
  return MakeObject(std::make_shared<StringListObject>(std::move(out)));
}
TemplateValue ValuesOf(const std::vector<Pair>& pairs) {
  std::vector<std::string> out;
  for (const Pair& p : pairs) out.push_back(p.second);
  return MakeObject(std::make_shared<StringListObject>(std::move(out)));
}

class PairsObject final : public TemplateObject {
 public:
  explicit PairsObject(std::vector<Pair> pairs) : pairs_(std::move(pairs)) {}
  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& /*args*/) const override {
    if (name == "Names") return NamesOf(pairs_);
    if (name == "Values") return ValuesOf(pairs_);
    return NoSuch(name);
  }
  TemplateValue Underlying() const override {
    TemplateList list;
    for (const Pair& p : pairs_) list.push_back(MakeObject(std::make_shared<PairObject>(p)));
    return list;
  }
  std::optional<std::string> Print() const override { return JoinPairs(pairs_); }
  std::string_view TypeName() const override { return "template.Pairs"; }

 private:
  std::vector<Pair> pairs_;
};

// Strings in a list value, whatever shape the list has.
bool CollectStrings(const TemplateValue& value, std::set<std::string>& out) {
  if (const auto* object = std::get_if<std::shared_ptr<const TemplateObject>>(&value.storage())) {
    return CollectStrings((*object)->Underlying(), out);
  }
  const auto* list = std::get_if<std::shared_ptr<const TemplateList>>(&value.storage());
  if (list == nullptr) return false;
  for (const TemplateValue& item : **list) {
    const auto* text = std::get_if<std::string>(&item.storage());
    if (text == nullptr) return false;
    out.insert(*text);
  }
  return true;
}

class KvObject final : public TemplateObject {
 public:
  explicit KvObject(TemplateStringMap pairs)
      : pairs_(std::make_shared<const TemplateStringMap>(std::move(pairs))) {}

  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& args) const override {
    if (name == "SortedPairs") return MakeObject(std::make_shared<PairsObject>(Sorted()));
    if (name == "Names") return NamesOf(Sorted());
    if (name == "Values") return ValuesOf(Sorted());
    if (name == "Remove") return Remove(args);
    const auto it = pairs_->find(std::string(name));
    return TemplateValue(it == pairs_->end() ? std::string() : it->second);
  }
  TemplateValue Underlying() const override { return TemplateValue(*pairs_); }
  std::optional<std::string> Print() const override { return JoinPairs(Sorted()); }
  std::string_view TypeName() const override { return "template.KV"; }

 private:
  // alertname first, then by name.
  std::vector<Pair> Sorted() const {
    std::vector<Pair> out(pairs_->begin(), pairs_->end());
    const auto it =
        std::find_if(out.begin(), out.end(), [](const Pair& p) { return p.first == kAlertName; });
    if (it != out.end()) std::rotate(out.begin(), it, it + 1);
    return out;
  }
  Result<TemplateValue> Remove(const std::vector<TemplateValue>& args) const {
    std::set<std::string> names;
    if (args.size() != 1 || !CollectStrings(args[0], names)) {
      return InvalidArgument("Remove wants one list of strings");
    }
    TemplateStringMap kept;
    for (const auto& [name, value] : *pairs_) {
      if (!names.contains(name)) kept.emplace(name, value);
    }
    return MakeKv(std::move(kept));
  }

  std::shared_ptr<const TemplateStringMap> pairs_;
};

std::string PrintStruct(const std::vector<TemplateValue>& fields) {
  std::string out;
  for (const TemplateValue& field : fields) {
    out += out.empty() ? "{" : " ";
    out += Sprintf("%v", {field});
  }
  return out + "}";
}

class AlertObject final : public TemplateObject {
 public:
  explicit AlertObject(TemplateAlert alert) : alert_(std::move(alert)) {}

  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& /*args*/) const override {
    if (name == "Status") return TemplateValue(alert_.status);
    if (name == "Labels") return MakeKv(alert_.labels);
    if (name == "Annotations") return MakeKv(alert_.annotations);
    if (name == "StartsAt") return TemplateValue(alert_.starts_at);
    if (name == "EndsAt") return TemplateValue(alert_.ends_at);
    if (name == "GeneratorURL") return TemplateValue(alert_.generator_url);
    if (name == "Fingerprint") return TemplateValue(alert_.fingerprint);
    return NoSuch(name);
  }
  TemplateValue Underlying() const override { return {}; }
  TemplateValue Json() const override {
    TemplateMap out;
    for (const std::string_view field : kFields) {
      std::string key(field);
      key[0] = static_cast<char>(key[0] | 0x20);
      out[key] = *Call(field, {});
    }
    return out;
  }
  std::optional<std::string> Print() const override {
    std::vector<TemplateValue> fields;
    for (const std::string_view field : kFields) fields.push_back(*Call(field, {}));
    return PrintStruct(fields);
  }
  std::string_view TypeName() const override { return "template.Alert"; }
  const std::string& status() const { return alert_.status; }

 private:
  static constexpr std::string_view kFields[] = {
      "Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"};
  TemplateAlert alert_;
};

using AlertObjects = std::vector<std::shared_ptr<const AlertObject>>;

class AlertsObject final : public TemplateObject {
 public:
  explicit AlertsObject(AlertObjects alerts) : alerts_(std::move(alerts)) {}

  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& /*args*/) const override {
    if (name == "Firing") return Filter("firing");
    if (name == "Resolved") return Filter("resolved");
    return NoSuch(name);
  }
  TemplateValue Underlying() const override {
    TemplateList list;
    list.reserve(alerts_.size());
    for (const auto& a : alerts_) list.push_back(MakeObject(a));
    return list;
  }
  std::string_view TypeName() const override { return "template.Alerts"; }

 private:
  TemplateValue Filter(std::string_view status) const {
    AlertObjects out;
    for (const auto& a : alerts_) {
      if (a->status() == status) out.push_back(a);
    }
    return MakeObject(std::make_shared<AlertsObject>(std::move(out)));
  }

  AlertObjects alerts_;
};

// The dot of notification templates.
class DataObject final : public TemplateObject {
 public:
  explicit DataObject(TemplateMap fields) : fields_(std::move(fields)) {}
  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& /*args*/) const override {
    const auto it = fields_.find(std::string(name));
    if (it == fields_.end()) return NoSuch(name);
    return it->second;
  }
  TemplateValue Underlying() const override { return {}; }
  // Field names with a small first letter, as in the webhook's body.
  TemplateValue Json() const override {
    TemplateMap out;
    for (const auto& [name, value] : fields_) {
      std::string key = name == "NotificationReason" ? "notification_reason" : name;
      key[0] = static_cast<char>(key[0] | 0x20);
      out[key] = value;
    }
    return out;
  }
  std::optional<std::string> Print() const override {
    std::vector<TemplateValue> fields;
    for (const char* name : {"Receiver", "Status", "Alerts", "NotificationReason", "GroupLabels",
                             "CommonLabels", "CommonAnnotations", "RouteLabels", "ExternalURL"}) {
      fields.push_back(fields_.at(name));
    }
    return "&" + PrintStruct(fields);
  }
  std::string_view TypeName() const override { return "*template.Data"; }

 private:
  TemplateMap fields_;
};

void KeepEqual(TemplateStringMap& common, const Labels& labels) {
  for (auto it = common.begin(); it != common.end();) {
    it = labels.Get(it->first) == it->second ? std::next(it) : common.erase(it);
  }
}

void AppendMapJson(JsonWriter& json, const Labels& labels) {
  json.BeginObject();
  for (const Label& label : labels) json.Field(label.name, label.value);
  json.EndObject();
}

}  // namespace

TemplateValue MakeKv(TemplateStringMap pairs) {
  return MakeObject(std::make_shared<KvObject>(std::move(pairs)));
}

TemplateStringMap ToStringMap(const Labels& labels) {
  TemplateStringMap out;
  for (const Label& label : labels) out.emplace(label.name, label.value);
  return out;
}

CommonPairs FindCommonPairs(const std::vector<NotifiedAlert>& alerts) {
  CommonPairs out;
  if (alerts.empty()) return out;
  out.labels = ToStringMap(alerts.front().alert->labels);
  out.annotations = ToStringMap(alerts.front().alert->annotations);
  for (const NotifiedAlert& a : alerts) {
    KeepEqual(out.labels, a.alert->labels);
    KeepEqual(out.annotations, a.alert->annotations);
  }
  return out;
}

std::string_view StatusText(const std::vector<NotifiedAlert>& alerts) {
  const bool firing =
      std::any_of(alerts.begin(), alerts.end(), [](const NotifiedAlert& a) { return !a.resolved; });
  return firing ? "firing" : "resolved";
}

std::string FingerprintText(const Labels& labels) {
  uint64_t v = labels.Fingerprint();
  std::string out(16, '0');
  for (size_t i = 16; i-- > 0; v >>= 4) out[i] = "0123456789abcdef"[v & 15];
  return out;
}

std::string QuoteMeta(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

TemplateValue MakeTemplateData(TemplateData data) {
  AlertObjects alerts;
  alerts.reserve(data.alerts.size());
  for (TemplateAlert& a : data.alerts) {
    alerts.push_back(std::make_shared<AlertObject>(std::move(a)));
  }
  TemplateMap fields;
  fields["Receiver"] = std::move(data.receiver);
  fields["Status"] = std::move(data.status);
  fields["Alerts"] = MakeObject(std::make_shared<AlertsObject>(std::move(alerts)));
  fields["GroupLabels"] = MakeKv(std::move(data.group_labels));
  fields["CommonLabels"] = MakeKv(std::move(data.common.labels));
  fields["CommonAnnotations"] = MakeKv(std::move(data.common.annotations));
  fields["ExternalURL"] = std::move(data.external_url);
  fields["NotificationReason"] = std::move(data.reason);
  fields["RouteLabels"] = MakeKv(std::move(data.route_labels));
  return MakeObject(std::make_shared<DataObject>(std::move(fields)));
}

TemplateValue MakeTemplateData(const Notification& n, const std::string& external_url,
                               const TemplateStringMap& route_labels) {
  TemplateData data;
  data.receiver = QuoteMeta(n.receiver);
  data.status = StatusText(n.alerts);
  data.group_labels = ToStringMap(n.group_labels);
  data.common = FindCommonPairs(n.alerts);
  data.external_url = external_url;
  data.reason = n.reason;
  data.route_labels = route_labels;
  data.alerts.reserve(n.alerts.size());
  for (const NotifiedAlert& a : n.alerts) {
    data.alerts.push_back({.status = a.resolved ? "resolved" : "firing",
                           .labels = ToStringMap(a.alert->labels),
                           .annotations = ToStringMap(a.alert->annotations),
                           .starts_at = {.t = a.alert->starts_at},
                           .ends_at = {.t = a.alert->ends_at, .zero = !a.resolved},
                           .generator_url = a.alert->generator_url,
                           .fingerprint = FingerprintText(a.alert->labels)});
  }
  return MakeTemplateData(std::move(data));
}

Renderer::Renderer(const NotifierPorts& ports, const Notification& notification)
    : ports_(ports), notification_(notification) {
  if (!notification.route_labels.empty()) RenderRouteLabels();
  data_ = MakeTemplateData(notification, ports.external_url, route_labels_);
}

// A route label is itself a template and may use the others through `routeLabels`.
void Renderer::RenderRouteLabels() {
  const TemplateValue data = MakeTemplateData(notification_, ports_.external_url, {});
  const TemplateStringMap sources(notification_.route_labels.begin(),
                                  notification_.route_labels.end());
  FunctionTable functions = ports_.functions;
  std::set<std::string> under_way;
  std::function<Result<std::string>(const std::string&)> render =
      [&](const std::string& name) -> Result<std::string> {
    const auto source = sources.find(name);
    if (source == sources.end()) return std::string();
    if (const auto done = route_labels_.find(name); done != route_labels_.end()) {
      return done->second;
    }
    if (!under_way.insert(name).second) {
      return InvalidArgument("route label \"" + name + "\" refers to itself");
    }
    auto text = ports_.templates.Expand("labels." + name, source->second, data, functions);
    under_way.erase(name);
    if (text.ok()) route_labels_[name] = *text;
    return text;
  };
  functions["routeLabels"] =
      [&render](const std::vector<TemplateValue>& args) -> Result<TemplateValue> {
    const auto* name = args.size() == 1 ? std::get_if<std::string>(&args[0].storage()) : nullptr;
    if (name == nullptr) return InvalidArgument("routeLabels wants one string");
    TOCSIN_ASSIGN(std::string text, render(*name));
    return TemplateValue(std::move(text));
  };
  for (const auto& [name, source] : sources) {
    if (auto text = render(name); !text.ok() && status_.ok()) status_ = text.error();
  }
}

std::string Renderer::Run(std::string_view field, std::string_view text, bool html) {
  if (text.empty() || !status_.ok()) return {};
  Result<std::string> out = Error(ErrorCode::kInternal, "");
  if (route_labels_.empty()) {
    out = ports_.templates.Expand(field, text, data_, ports_.functions, html);
  } else {
    FunctionTable functions = ports_.functions;
    functions["routeLabels"] =
        [this](const std::vector<TemplateValue>& args) -> Result<TemplateValue> {
      const auto* name = args.size() == 1 ? std::get_if<std::string>(&args[0].storage()) : nullptr;
      if (name == nullptr) return InvalidArgument("routeLabels wants one string");
      const auto it = route_labels_.find(*name);
      return TemplateValue(it == route_labels_.end() ? std::string() : it->second);
    };
    out = ports_.templates.Expand(field, text, data_, functions, html);
  }
  if (out.ok()) return std::move(*out);
  status_ = out.error();
  return {};
}

std::string Renderer::Text(std::string_view field, std::string_view text) {
  return Run(field, text, false);
}
std::string Renderer::Html(std::string_view field, std::string_view text) {
  return Run(field, text, true);
}

void AppendAlertJson(std::string& out, const NotifiedAlert& a) {
  JsonWriter json(out, true);
  json.BeginObject();
  json.Field("status", std::string_view(a.resolved ? "resolved" : "firing"));
  json.Key("labels");
  AppendMapJson(json, a.alert->labels);
  json.Key("annotations");
  AppendMapJson(json, a.alert->annotations);
  json.Field("startsAt", FormatRfc3339(a.alert->starts_at));
  json.Field("endsAt",
             a.resolved ? FormatRfc3339(a.alert->ends_at) : std::string("0001-01-01T00:00:00Z"));
  json.Field("generatorURL", a.alert->generator_url);
  json.Field("fingerprint", FingerprintText(a.alert->labels));
  json.EndObject();
}

std::string AlertListJson(const std::vector<NotifiedAlert>& alerts, bool resolved) {
  std::string out = "[";
  for (const NotifiedAlert& a : alerts) {
    if (a.resolved != resolved) continue;
    if (out.size() > 1) out.push_back(',');
    AppendAlertJson(out, a);
  }
  out.push_back(']');
  return out;
}

std::string TruncateRunes(std::string text, size_t limit) {
  static constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
  size_t runes = 0, cut = 0;  // `cut`: where rune number limit - 1 starts
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (runes + 1 == limit) cut = i;
    if (++runes > limit) return text.substr(0, cut).append(kEllipsis);
  }
  return text;
}

}  // namespace tocsin::alerting
