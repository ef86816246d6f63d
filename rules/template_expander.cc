#include "rules/template_expander.h"

#include <fmt/format.h>

#include "rules/expression.h"

namespace tocsin::rules {
namespace {

using alerting::FunctionTable;
using alerting::TemplateQuery;
using alerting::TemplateSample;
using alerting::TemplateStringMap;
using alerting::TemplateValue;

// What every template of a rule may name. Part of the text, hence of the columns in errors.
constexpr std::string_view kPrelude =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

TemplateStringMap ToMap(const Labels& labels) {
  TemplateStringMap map;
  for (const Label& label : labels) {
    map.emplace_hint(map.end(), std::string(label.name), std::string(label.value));
  }
  return map;
}

// The names alone, for parsing.
const FunctionTable& NamesOnly() {
  static const FunctionTable table = alerting::PrometheusFunctions("", Timestamp{0}, nullptr);
  return table;
}

std::string TemplateName(std::string_view alert) { return "__alert_" + std::string(alert); }

Result<alerting::Template> Parse(std::string_view alert, std::string_view text) {
  const std::string name = TemplateName(alert);
  auto parsed =
      alerting::Template::Parse(name, std::string(kPrelude) + std::string(text), NamesOnly());
  if (!parsed.ok()) return parsed.error().WithContext("error parsing template " + name);
  return parsed;
}

TemplateQuery QueryFunction(const query::Engine& engine, Timestamp at) {
  return [&engine, at](std::string_view text) -> Result<std::vector<TemplateSample>> {
    TOCSIN_ASSIGN(const query::Vector vector, EvaluateExpression(engine, text, at));
    std::vector<TemplateSample> samples;
    samples.reserve(vector.size());
    for (const query::VectorElement& element : vector) {
      samples.push_back({ToMap(element.labels), element.v});
    }
    return samples;
  };
}

}  // namespace

Status CheckRuleTemplate(std::string_view alert, std::string_view text) {
  if (text.find("{{") == std::string_view::npos) return OkStatus();
  auto parsed = Parse(alert, text);
  return parsed.ok() ? OkStatus() : Status(parsed.error());
}

TemplateExpander::TemplateExpander(const query::Engine& engine, Timestamp at,
                                   const Labels& external_labels, const std::string& external_url,
                                   const TemplateMetrics& metrics)
    : functions_(alerting::PrometheusFunctions(external_url, at, QueryFunction(engine, at))),
      external_labels_(ToMap(external_labels)),
      external_url_(external_url),
      metrics_(metrics) {}

void TemplateExpander::SetElement(const query::VectorElement& element) {
  data_ = alerting::MakeTemplateStruct(
      "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; "
      "Value interface {} }",
      {{"Labels", TemplateValue(ToMap(element.labels))},
       {"ExternalLabels", external_labels_},
       {"ExternalURL", external_url_},
       {"Value", TemplateValue(element.h ? element.h->count : element.v)}});
}

std::string TemplateExpander::Expand(std::string_view name, const alerting::Template& text) const {
  metrics_.expansions.Add();
  auto result = text.Expand(data_, functions_);
  if (result.ok()) return *std::move(result);
  metrics_.failures.Add();
  return fmt::format("<error expanding template: error executing template {}: {}>", name,
                     result.error().message());
}

RuleText::RuleText(std::string_view alert, std::string text)
    : name_(TemplateName(alert)), text_(std::move(text)) {
  if (text_.find("{{") == std::string::npos) return;
  auto parsed = Parse(alert, text_);
  if (parsed.ok()) {
    template_ = *std::move(parsed);
  } else {
    text_ = "<error expanding template: " + parsed.error().message() + ">";
  }
}

}  // namespace tocsin::rules
