// JSON in and out. Out: an appender that writes straight into a string and never fails. In: a
// small tree for payloads of the API and of receivers, bounded in depth.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "storage/base/result.h"

namespace tocsin {

// Appends `text` in quotes. `escape_html`: Go's default, < > & as \u003c \u003e \u0026.
// Invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string& out, std::string_view text, bool escape_html = false);

// Writes one document. Commas are put in by itself; Key() before each value inside an object.
// One thread at a time.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out, bool escape_html = false)
      : out_(out), escape_html_(escape_html) {}

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view value);
  JsonWriter& Int(int64_t value);
  JsonWriter& Double(double value);  // as encoding/json prints a float64
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  JsonWriter& Raw(std::string_view json);  // REQUIRES: one valid value

  template <typename T>
  JsonWriter& Field(std::string_view key, const T& value) {
    Key(key);
    if constexpr (std::is_same_v<T, bool>) {
      return Bool(value);
    } else if constexpr (std::is_integral_v<T>) {
      return Int(static_cast<int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      return Double(value);
    } else {
      return String(value);
    }
  }

 private:
  JsonWriter& Open(char c);
  JsonWriter& Close(char c);
  void Separate();

  std::string& out_;
  const bool escape_html_;
  bool comma_ = false;
};

// A parsed document.
class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;  // in the order of the text

  JsonValue() = default;
  explicit JsonValue(bool v) : v_(v) {}
  explicit JsonValue(double v) : v_(v) {}
  explicit JsonValue(std::string v) : v_(std::move(v)) {}
  explicit JsonValue(Array v) : v_(std::move(v)) {}
  explicit JsonValue(Object v) : v_(std::move(v)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(v_); }
  const bool* AsBool() const { return std::get_if<bool>(&v_); }
  const double* AsNumber() const { return std::get_if<double>(&v_); }
  const std::string* AsString() const { return std::get_if<std::string>(&v_); }
  const Array* AsArray() const { return std::get_if<Array>(&v_); }
  const Object* AsObject() const { return std::get_if<Object>(&v_); }
  // The member of that name, or null when absent or not an object.
  const JsonValue* Find(std::string_view key) const;

 private:
  std::variant<std::monostate, bool, double, std::string, Array, Object> v_;
};

// kInvalidArgument with the byte position. Nesting above 200 is refused.
Result<JsonValue> ParseJson(std::string_view text);

}  // namespace tocsin
