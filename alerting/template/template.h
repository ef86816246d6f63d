// Go's text/template for alert annotations and notifications: parse once, run with data. Semantics
// and functions: docs/templates.md. A runaway template is stopped: steps, depth, memory and output
// are bounded.
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

// kInvalidArgument: wrong number or type of arguments, shown as it is; any other error is shown
// as "error calling <name>: ...".
using TemplateFunction = std::function<Result<TemplateValue>(const std::vector<TemplateValue>&)>;
// Name -> function. Copy-on-build: make one per family of templates and keep it.
using FunctionTable = std::map<std::string, TemplateFunction, std::less<>>;

// Both products' functions. `external_url` without a trailing slash.
FunctionTable PrometheusFunctions(std::string external_url, Timestamp now, TemplateQuery query);
// `now` and `since` ask `clock` at each call; without one they fail.
FunctionTable AlertmanagerFunctions(std::function<Timestamp()> clock = nullptr);

// One parsed text. Immutable; any thread may run it.
class Template {
 public:
  // Errors read as Go's: "template: <name>:<line>: <what>".
  static Result<Template> Parse(std::string_view name, std::string_view text,
                                const FunctionTable& functions);

  // Runs it with `dot`. `functions`: the table it was parsed with, or one with the same names.
  // `html`: escape by context as html/template does. Errors read as Go's: "template:
  // <name>:<line>:<column>: executing "<name>" at <action>: <what>".
  Result<std::string> Expand(const TemplateValue& dot, const FunctionTable& functions,
                             bool html = false) const;

 private:
  friend class TemplateSet;
  struct Impl;
  explicit Template(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// A set of named definitions. One thread while parsing, then immutable: any thread may run it.
class TemplateSet {
 public:
  TemplateSet();

  // Adds the {{ define }}s of `text`; later ones replace earlier ones of the same name. `name`
  // shows in errors ("template: name:line: ..."). `functions`: names known at parse time.
  Status Parse(std::string_view name, std::string_view text, const FunctionTable& functions);

  // Parses `text` on top of the set's definitions and runs it with `dot`.
  Result<std::string> Expand(std::string_view name, std::string_view text, const TemplateValue& dot,
                             const FunctionTable& functions, bool html = false) const;

 private:
  std::shared_ptr<const Template::Impl> impl_;
};

// Checks that `text` parses with these functions.
Status CheckTemplate(std::string_view name, std::string_view text, const FunctionTable& functions);

}  // namespace tocsin::alerting
