#include "alerting/template/json_value.h"

#include <fmt/format.h>

#include <cmath>

#include "alerting/template/format.h"
#include "alerting/template/go_time.h"
#include "storage/base/json.h"
#include "storage/base/number.h"

namespace tocsin::alerting {
namespace {

constexpr int kMaxDepth = 100;

void Append(std::string& out, const TemplateValue& value, int depth);

template <typename Map>
void AppendMap(std::string& out, const Map& map, int depth) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : map) {
    if (!first) out += ',';
    first = false;
    AppendJsonString(out, key, true);
    out += ':';
    Append(out, TemplateValue(value), depth + 1);
  }
  out += '}';
}

void Append(std::string& out, const TemplateValue& value, int depth) {
  if (value.is_nil() || depth > kMaxDepth || out.size() > kMaxTemplateOutput) {
    out += "null";
  } else if (const bool* b = value.As<bool>()) {
    out += *b ? "true" : "false";
  } else if (const auto* i = value.As<int64_t>()) {
    out += fmt::format("{}", *i);
  } else if (const auto* d = value.As<std::chrono::nanoseconds>()) {
    out += fmt::format("{}", d->count());
  } else if (const auto* f = value.As<double>()) {
    std::isfinite(*f) ? AppendApiFloat(out, *f) : void(out += "null");
  } else if (const std::string* text = value.AsText()) {
    AppendJsonString(out, *text, true);
  } else if (const auto* time = value.As<TemplateTime>()) {
    AppendJsonString(out, FormatGoTime(*time, "2006-01-02T15:04:05.999999999Z07:00"));
  } else if (const TemplateList* list = value.AsList()) {
    out += '[';
    for (size_t k = 0; k < list->size(); ++k) {
      if (k > 0) out += ',';
      Append(out, (*list)[k], depth + 1);
    }
    out += ']';
  } else if (const TemplateMap* map = value.AsMap()) {
    AppendMap(out, *map, depth);
  } else if (const TemplateStringMap* strings = value.AsStringMap()) {
    AppendMap(out, *strings, depth);
  } else {
    const TemplateObject* object = value.AsObject();
    const TemplateValue inner = object->Json();
    Append(out, inner, depth + 1);
  }
}

}  // namespace

void AppendJson(std::string& out, const TemplateValue& value) { Append(out, value, 0); }

}  // namespace tocsin::alerting
