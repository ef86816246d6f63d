// What template expressions compute: Go's dynamic values, as far as templates can see them.
// Values are immutable and cheap to copy, except strings; any thread may read them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

// A Go struct or a type with methods (Alert, KV, the list of alerts): fields and methods by name.
class TemplateObject {
 public:
  virtual ~TemplateObject() = default;
  // Field or method `name` called with `args`; kNotFound when there is none.
  virtual Result<TemplateValue> Call(std::string_view name,
                                     const std::vector<TemplateValue>& args) const = 0;
  // The value that range, index, len, comparison and truth see: a list, map, number or string.
  // Nil for a plain struct, which is always true and has nothing to range over.
  virtual TemplateValue Underlying() const = 0;
  // How it prints when not as its underlying value does (a type with a String method).
  virtual std::optional<std::string> Print() const { return std::nullopt; }
  // What toJson makes of it; an underlying value already is.
  virtual TemplateValue Json() const;
  // Shown in errors: "can't evaluate field X in type <this>".
  virtual std::string_view TypeName() const { return "struct"; }
};

struct TemplateTime {
  Timestamp t;            // ms precision
  bool zero = false;      // Go's zero time (year 1)
  std::string zone = {};  // IANA name in which it shows; empty: UTC
};

// Text that the HTML engine leaves as it is: safeHtml in text, safeUrl in URL attributes.
// Everywhere else a string.
struct TemplateSafeText {
  std::string text;
  bool url = false;
};

class TemplateValue {
 public:
  using Storage =
      std::variant<std::monostate, bool, int64_t, double, std::string,
                   std::shared_ptr<const TemplateList>, std::shared_ptr<const TemplateMap>,
                   std::shared_ptr<const TemplateStringMap>, std::shared_ptr<const TemplateObject>,
                   TemplateTime, std::chrono::nanoseconds, TemplateSafeText>;

  TemplateValue() = default;
  TemplateValue(bool v) : v_(v) {}
  TemplateValue(int v) : v_(int64_t{v}) {}
  TemplateValue(int64_t v) : v_(v) {}
  TemplateValue(double v) : v_(v) {}
  TemplateValue(std::string v) : v_(std::move(v)) {}
  TemplateValue(std::string_view v) : v_(std::string(v)) {}
  TemplateValue(const char* v) : v_(std::string(v)) {}
  TemplateValue(TemplateList v) : v_(std::make_shared<const TemplateList>(std::move(v))) {}
  TemplateValue(TemplateMap v) : v_(std::make_shared<const TemplateMap>(std::move(v))) {}
  TemplateValue(TemplateStringMap v)
      : v_(std::make_shared<const TemplateStringMap>(std::move(v))) {}
  TemplateValue(std::shared_ptr<const TemplateObject> v) : v_(std::move(v)) {}
  TemplateValue(TemplateTime v) : v_(std::move(v)) {}
  TemplateValue(std::chrono::nanoseconds v) : v_(v) {}
  TemplateValue(TemplateSafeText v) : v_(std::move(v)) {}

  const Storage& storage() const { return v_; }
  bool is_nil() const { return std::holds_alternative<std::monostate>(v_); }
  template <typename T>
  const T* As() const {
    return std::get_if<T>(&v_);
  }
  // The text of a string or safe text, else null.
  const std::string* AsText() const;
  const TemplateList* AsList() const { return Deref<TemplateList>(); }
  const TemplateMap* AsMap() const { return Deref<TemplateMap>(); }
  const TemplateStringMap* AsStringMap() const { return Deref<TemplateStringMap>(); }
  const TemplateObject* AsObject() const { return Deref<TemplateObject>(); }

  // Objects give their underlying value, everything else itself.
  TemplateValue Resolve() const;
  // Go's template truth: false, 0, "", nil and empty lists and maps are false.
  bool Truth() const;
  // Go's name of the type: "string", "float64", "map[string]string"; "<nil>".
  std::string TypeName() const;

 private:
  template <typename T>
  const T* Deref() const {
    const auto* p = std::get_if<std::shared_ptr<const T>>(&v_);
    return p ? p->get() : nullptr;
  }

  Storage v_;
};

// A struct: named fields in the order in which they print, no methods.
TemplateValue MakeTemplateStruct(std::string type_name,
                                 std::vector<std::pair<std::string, TemplateValue>> fields);

}  // namespace tocsin::alerting
