#include "alerting/template/template.h"

#include "alerting/template/ast.h"
#include "alerting/template/builtins.h"
#include "alerting/template/executor.h"
#include "alerting/template/parser.h"

namespace tocsin::alerting {
namespace {

Status ParseInto(DefinitionMap& definitions, std::string_view name, std::string_view text,
                 const FunctionTable& functions) {
  const auto is_function = [&](std::string_view word) {
    return word == "and" || word == "or" || functions.contains(word) ||
           BuiltinFunctions().contains(word);
  };
  return ParseTemplate(name, text, is_function, definitions);
}

}  // namespace

struct Template::Impl {
  std::string name;
  DefinitionMap definitions;
};

Result<Template> Template::Parse(std::string_view name, std::string_view text,
                                 const FunctionTable& functions) {
  auto impl = std::make_shared<Impl>();
  impl->name = name;
  TOCSIN_RETURN_IF_ERROR(ParseInto(impl->definitions, name, text, functions));
  return Template(std::move(impl));
}

Result<std::string> Template::Expand(const TemplateValue& dot, const FunctionTable& functions,
                                     bool html) const {
  return ExecuteTemplate(impl_->definitions, impl_->name, dot, functions, html);
}

TemplateSet::TemplateSet() : impl_(std::make_shared<const Template::Impl>()) {}

Status TemplateSet::Parse(std::string_view name, std::string_view text,
                          const FunctionTable& functions) {
  auto next = std::make_shared<Template::Impl>(*impl_);
  TOCSIN_RETURN_IF_ERROR(ParseInto(next->definitions, name, text, functions));
  impl_ = std::move(next);
  return OkStatus();
}

Result<std::string> TemplateSet::Expand(std::string_view name, std::string_view text,
                                        const TemplateValue& dot, const FunctionTable& functions,
                                        bool html) const {
  DefinitionMap definitions = impl_->definitions;
  definitions.erase(std::string(name));
  TOCSIN_RETURN_IF_ERROR(ParseInto(definitions, name, text, functions));
  return ExecuteTemplate(definitions, name, dot, functions, html);
}

Status CheckTemplate(std::string_view name, std::string_view text, const FunctionTable& functions) {
  DefinitionMap definitions;
  return ParseInto(definitions, name, text, functions);
}

}  // namespace tocsin::alerting
