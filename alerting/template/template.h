// Go's text/template for alert annotations and notifications: parse once, run with data. Semantics
// and functions: docs/templates.md. A runaway template is stopped (steps, depth and output are
// bounded).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/template/value.h"
#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::alerting {

// One element of an instant query, as `query` gives it to a template.
struct TemplateSample {
  std::map<std::string, std::string> labels;
  double value = 0;
};
// The `query` function: rules give one backed by the engine; notifications give none.
using TemplateQuery =
    std::function<Result<std::vector<TemplateSample>>(std::string_view expression)>;

using TemplateFunction = std::function<Result<TemplateValue>(const std::vector<TemplateValue>&)>;
// Name -> function. Copy-on-build: make one per family of templates and keep it.
using FunctionTable = std::map<std::string, TemplateFunction, std::less<>>;

// Both products' functions. `now` is read at each call of the time functions.
FunctionTable PrometheusFunctions(std::string external_url, Timestamp now, TemplateQuery query);
FunctionTable AlertmanagerFunctions();

// A set of named definitions. Immutable after parsing; any thread may run it.
class TemplateSet {
 public:
  TemplateSet();

  // Adds the {{ define }}s of `text`; later ones replace earlier ones of the same name. `name`
  // shows in errors ("name:line: ..."). `functions`: names known at parse time.
  Status Parse(std::string_view name, std::string_view text, const FunctionTable& functions);

  // Parses `text` on top of the set's definitions and runs it with `dot`. `html`: escape by
  // context as html/template does. Errors name line and action.
  Result<std::string> Expand(std::string_view name, std::string_view text,
                             const TemplateValue& dot, const FunctionTable& functions,
                             bool html = false) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

// Checks that `text` parses with these functions.
Status CheckTemplate(std::string_view name, std::string_view text, const FunctionTable& functions);

}  // namespace tocsin::alerting
