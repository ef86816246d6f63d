#include "alerting/template/value.h"

#include <fmt/format.h>

#include "alerting/template/format.h"

namespace tocsin::alerting {
namespace {

class PlainStruct final : public TemplateObject {
 public:
  PlainStruct(std::string type_name, std::vector<std::pair<std::string, TemplateValue>> fields)
      : type_name_(std::move(type_name)), fields_(std::move(fields)) {}

  Result<TemplateValue> Call(std::string_view name,
                             const std::vector<TemplateValue>& args) const override {
    for (const auto& [field, value] : fields_) {
      if (field != name) continue;
      if (args.empty()) return value;
      return InvalidArgument(
          fmt::format("{} has arguments but cannot be invoked as function", name));
    }
    return NotFound("no field of that name");
  }
  TemplateValue Underlying() const override { return {}; }
  TemplateValue Json() const override {
    return TemplateValue(TemplateMap(fields_.begin(), fields_.end()));
  }
  std::optional<std::string> Print() const override {
    std::string out = "{";
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (i > 0) out += ' ';
      AppendValue(out, fields_[i].second);
    }
    return out + "}";
  }
  std::string_view TypeName() const override { return type_name_; }

 private:
  const std::string type_name_;
  const std::vector<std::pair<std::string, TemplateValue>> fields_;
};

}  // namespace

TemplateValue TemplateObject::Json() const { return Underlying(); }

const std::string* TemplateValue::AsText() const {
  if (const auto* text = As<std::string>()) return text;
  if (const auto* safe = As<TemplateSafeText>()) return &safe->text;
  return nullptr;
}

TemplateValue TemplateValue::Resolve() const {
  const TemplateObject* object = AsObject();
  return object != nullptr ? object->Underlying() : *this;
}

bool TemplateValue::Truth() const {
  if (is_nil()) return false;
  if (const bool* v = As<bool>()) return *v;
  if (const auto* v = As<int64_t>()) return *v != 0;
  if (const auto* v = As<double>()) return *v != 0;
  if (const auto* v = As<std::chrono::nanoseconds>()) return v->count() != 0;
  if (const std::string* v = AsText()) return !v->empty();
  if (const TemplateList* v = AsList()) return !v->empty();
  if (const TemplateMap* v = AsMap()) return !v->empty();
  if (const TemplateStringMap* v = AsStringMap()) return !v->empty();
  if (const TemplateObject* object = AsObject()) {
    const TemplateValue inner = object->Underlying();
    return inner.is_nil() || inner.AsObject() != nullptr || inner.Truth();
  }
  return true;
}

std::string TemplateValue::TypeName() const {
  if (is_nil()) return "<nil>";
  if (As<bool>()) return "bool";
  if (As<int64_t>()) return "int";
  if (As<double>()) return "float64";
  if (As<std::string>()) return "string";
  if (const auto* safe = As<TemplateSafeText>()) {
    return safe->url ? "template.URL" : "template.HTML";
  }
  if (AsList()) return "[]interface {}";
  if (AsMap()) return "map[string]interface {}";
  if (AsStringMap()) return "map[string]string";
  if (As<TemplateTime>()) return "time.Time";
  if (As<std::chrono::nanoseconds>()) return "time.Duration";
  return std::string(AsObject()->TypeName());
}

TemplateValue MakeTemplateStruct(std::string type_name,
                                 std::vector<std::pair<std::string, TemplateValue>> fields) {
  return TemplateValue(std::shared_ptr<const TemplateObject>(
      std::make_shared<PlainStruct>(std::move(type_name), std::move(fields))));
}

}  // namespace tocsin::alerting
