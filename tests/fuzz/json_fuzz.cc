// A JSON document: read, written, read again.
#include "storage/base/json.h"

#include <cmath>

#include "storage/base/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

void Write(const JsonValue& value, JsonWriter& out) {
  if (const auto* array = value.AsArray()) {
    out.BeginArray();
    for (const JsonValue& item : *array) Write(item, out);
    out.EndArray();
  } else if (const auto* object = value.AsObject()) {
    out.BeginObject();
    for (const auto& [key, member] : *object) {
      out.Key(key);
      Write(member, out);
    }
    out.EndObject();
  } else if (const auto* text = value.AsString()) {
    out.String(*text);
  } else if (const auto* number = value.AsNumber()) {
    std::isfinite(*number) ? out.Double(*number) : out.Null();
  } else if (const auto* flag = value.AsBool()) {
    out.Bool(*flag);
  } else {
    out.Null();
  }
}

std::string Text(const JsonValue& value) {
  std::string out;
  JsonWriter writer(out);
  Write(value, writer);
  return out;
}

}  // namespace

void RunOne(std::string_view input) {
  const auto value = ParseJson(input);
  if (!value.ok()) return;
  const std::string once = Text(*value);
  const auto again = ParseJson(once);
  TOCSIN_CHECK(again.ok() && Text(*again) == once, "what is written reads the same");
}

std::vector<std::string> Seeds() {
  return {
      R"([{"labels":{"alertname":"Up","x":""},"startsAt":"2026-01-02T03:04:05Z","n":null}])",
      R"({"a":[1,-2.5e-3,0,1e300,true,false],"b":{"c":{}},"d":"\u00e9\ud83d\ude00\n\"\\\/"})",
      R"("text")",
      "[[[[[[[[[[]]]]]]]]]]",
  };
}

}  // namespace tocsin::fuzz
