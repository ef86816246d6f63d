#include "storage/base/json.h"

#include <nlohmann/json.hpp>

namespace tocsin {
namespace {

constexpr size_t kMaxDepth = 200;

// Builds the tree without recursion: the stack of open containers is our own.
class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Add(JsonValue()); }
  bool boolean(bool v) override { return Add(JsonValue(v)); }
  // Only what is written with a minus comes here: -0 has to keep its sign.
  bool number_integer(number_integer_t v) override {
    return Add(JsonValue(v == 0 ? -0.0 : static_cast<double>(v)));
  }
  bool number_unsigned(number_unsigned_t v) override {
    return Add(JsonValue(static_cast<double>(v)));
  }
  bool number_float(number_float_t v, const string_t&) override { return Add(JsonValue(v)); }
  bool string(string_t& v) override { return Add(JsonValue(std::move(v))); }
  bool binary(binary_t&) override { return Fail("binary values are not JSON"); }

  bool start_object(std::size_t) override { return Push(JsonValue(JsonValue::Object())); }
  bool end_object() override { return Pop(); }
  bool start_array(std::size_t) override { return Push(JsonValue(JsonValue::Array())); }
  bool end_array() override { return Pop(); }
  bool key(string_t& name) override {
    open_.back().key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    std::string_view what = error.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const size_t start = what.find("] ");
    if (start != std::string_view::npos) what.remove_prefix(start + 2);
    return Fail(std::string(what) + " (byte " + std::to_string(position) + ")");
  }

  Result<JsonValue> Take() {
    if (!error_.empty()) return InvalidArgument("invalid JSON: " + error_);
    return std::move(root_);
  }

 private:
  struct Open {
    JsonValue value;
    std::string key;  // of the member being read
  };

  bool Fail(std::string error) {
    if (error_.empty()) error_ = std::move(error);
    return false;
  }
  bool Push(JsonValue value) {
    if (open_.size() >= kMaxDepth) return Fail("nested more than 200 deep");
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool Pop() {
    JsonValue value = std::move(open_.back().value);
    open_.pop_back();
    return Add(std::move(value));
  }
  bool Add(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Open& top = open_.back();
    if (auto* array = const_cast<JsonValue::Array*>(top.value.AsArray())) {
      array->push_back(std::move(value));
    } else {
      const_cast<JsonValue::Object*>(top.value.AsObject())
          ->emplace_back(std::move(top.key), std::move(value));
    }
    return true;
  }

  std::vector<Open> open_;
  JsonValue root_;
  std::string error_;
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view key) const {
  const Object* object = AsObject();
  if (!object) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

Result<JsonValue> ParseJson(std::string_view text) {
  TreeBuilder builder;
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.Take();
}

}  // namespace tocsin
