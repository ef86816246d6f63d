#include "tools/tocsin/commands/query_text.h"

#include <fmt/format.h>

#include <map>

#include "storage/model/matcher.h"
#include "tools/tocsin/commands/api_client.h"

namespace tocsin::commands {
namespace {

std::string Time(const JsonValue& t) {
  std::string out;
  JsonWriter(out).Double(t.AsNumber() == nullptr ? 0 : *t.AsNumber());
  return out;
}

// A histogram of the API: count, sum and buckets [boundary rule, left, right, count].
std::string FormatHistogram(const JsonValue& h) {
  std::string out = fmt::format("{{count:{}, sum:{}", TextOf(h, "count"), TextOf(h, "sum"));
  const JsonValue* buckets = h.Find("buckets");
  if (buckets != nullptr && buckets->AsArray() != nullptr) {
    for (const JsonValue& bucket : *buckets->AsArray()) {
      const auto* parts = bucket.AsArray();
      if (parts == nullptr || parts->size() != 4) continue;
      // 0: open left, 1: open right, 2: open both, 3: closed both.
      const double* rule = (*parts)[0].AsNumber();
      const int r = rule == nullptr ? 0 : static_cast<int>(*rule);
      const auto text = [&](size_t i) {
        const std::string* s = (*parts)[i].AsString();
        return s == nullptr ? std::string() : *s;
      };
      out += fmt::format(", {}{},{}{}:{}", r == 1 || r == 3 ? '[' : '(', text(1), text(2),
                         r == 0 || r == 3 ? ']' : ')', text(3));
    }
  }
  return out + "}";
}

// A pair [time, value] as "value @[time]".
std::string FormatPoint(const JsonValue& pair) {
  const auto* parts = pair.AsArray();
  if (parts == nullptr || parts->size() != 2) return "";
  const JsonValue& value = (*parts)[1];
  return fmt::format("{} @[{}]",
                     value.AsString() != nullptr ? *value.AsString() : FormatHistogram(value),
                     Time((*parts)[0]));
}

std::string FormatSeries(const JsonValue& series) {
  static const JsonValue kNone;
  const JsonValue* metric = series.Find("metric");
  std::string out = FormatMetric(metric == nullptr ? kNone : *metric, true) + " =>";
  for (const char* key : {"value", "histogram"}) {
    if (const JsonValue* point = series.Find(key)) return out + " " + FormatPoint(*point);
  }
  for (const char* key : {"values", "histograms"}) {
    const JsonValue* points = series.Find(key);
    if (points == nullptr || points->AsArray() == nullptr) continue;
    for (const JsonValue& point : *points->AsArray()) out += "\n" + FormatPoint(point);
  }
  return out;
}

}  // namespace

std::string FormatMetric(const JsonValue& metric, bool name_outside) {
  std::map<std::string, std::string> labels;
  if (metric.AsObject() != nullptr) {
    for (const auto& [name, value] : *metric.AsObject()) {
      if (value.AsString() != nullptr) labels[name] = *value.AsString();
    }
  }
  std::string out;
  if (name_outside) {
    out = labels["__name__"];
    labels.erase("__name__");
    if (labels.empty() && !out.empty()) return out;
  }
  out += '{';
  bool first = true;
  for (const auto& [name, value] : labels) {
    out += fmt::format("{}{}=", first ? "" : ", ", name);
    AppendGoQuoted(out, value);
    first = false;
  }
  return out + "}";
}

Result<std::string> FormatQueryData(const JsonValue& data) {
  const std::string type = TextOf(data, "resultType");
  const JsonValue* result = data.Find("result");
  if (result == nullptr) return Internal("the answer holds no result");
  if (type == "scalar" || type == "string") return type + ": " + FormatPoint(*result) + "\n";
  if (result->AsArray() == nullptr) return Internal("the answer holds no series");
  std::string out;
  for (const JsonValue& series : *result->AsArray()) out += FormatSeries(series) + "\n";
  return out.empty() ? "\n" : out;
}

}  // namespace tocsin::commands
