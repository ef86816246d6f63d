// What template expressions compute: Go's dynamic values, as far as templates can see them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::alerting {

class TemplateValue;
using TemplateList = std::vector<TemplateValue>;
using TemplateMap = std::map<std::string, TemplateValue>;
// A string -> string map (labels): a missing key prints as "".
using TemplateStringMap = std::map<std::string, std::string>;

// A Go struct with methods (Alert, KV, time, Alerts list): fields and methods by name.
class TemplateObject {
 public:
  virtual ~TemplateObject() = default;
  // Field or method `name` called with `args`; kNotFound when there is none.
  virtual Result<TemplateValue> Call(std::string_view name,
                                     const std::vector<TemplateValue>& args) const = 0;
  // The value that range, index, len and printing see; itself a list, map or string.
  virtual TemplateValue Underlying() const = 0;
};

struct TemplateTime {
  Timestamp t;       // ms precision
  bool zero = false;  // Go's zero time
};

class TemplateValue {
 public:
  using Storage =
      std::variant<std::monostate, bool, int64_t, double, std::string,
                   std::shared_ptr<const TemplateList>, std::shared_ptr<const TemplateMap>,
                   std::shared_ptr<const TemplateStringMap>,
                   std::shared_ptr<const TemplateObject>, TemplateTime,
                   std::chrono::nanoseconds>;

  TemplateValue() = default;
  TemplateValue(bool v) : v_(v) {}
  TemplateValue(int64_t v) : v_(v) {}
  TemplateValue(double v) : v_(v) {}
  TemplateValue(std::string v) : v_(std::move(v)) {}
  TemplateValue(const char* v) : v_(std::string(v)) {}
  TemplateValue(TemplateList v) : v_(std::make_shared<const TemplateList>(std::move(v))) {}
  TemplateValue(TemplateMap v) : v_(std::make_shared<const TemplateMap>(std::move(v))) {}
  TemplateValue(TemplateStringMap v)
      : v_(std::make_shared<const TemplateStringMap>(std::move(v))) {}
  TemplateValue(std::shared_ptr<const TemplateObject> v) : v_(std::move(v)) {}
  TemplateValue(TemplateTime v) : v_(v) {}
  TemplateValue(std::chrono::nanoseconds v) : v_(v) {}

  const Storage& storage() const { return v_; }
  bool is_nil() const { return std::holds_alternative<std::monostate>(v_); }

 private:
  Storage v_;
};

}  // namespace tocsin::alerting
