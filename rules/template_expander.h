// Labels and annotations of alerting rules: their templates, checked at load and expanded for each
// element of a result.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alerting/template/template.h"
#include "query/engine.h"
#include "storage/base/metrics.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

namespace tocsin::rules {

// OK when `text` parses as a label or annotation of the alert `alert`; else kInvalidArgument
// "error parsing template __alert_<alert>: template: ...".
Status CheckRuleTemplate(std::string_view alert, std::string_view text);

struct TemplateMetrics {
  Counter expansions;
  Counter failures;
};

// One evaluation of one rule: what all its templates see. One thread.
class TemplateExpander {
 public:
  // `at`: the evaluation time, at which `query` asks. REQUIRES: all referenced outlive it.
  TemplateExpander(const query::Engine& engine, Timestamp at, const Labels& external_labels,
                   const std::string& external_url, const TemplateMetrics& metrics);

  // The element of the result that the following templates are about.
  void SetElement(const query::VectorElement& element);

  // Never fails: an error becomes the text "<error expanding template: error executing template
  // <name>: ...>".
  std::string Expand(std::string_view name, const alerting::Template& text) const;

 private:
  const alerting::FunctionTable functions_;
  const alerting::TemplateValue external_labels_;
  const alerting::TemplateValue external_url_;
  const TemplateMetrics& metrics_;
  alerting::TemplateValue data_;
};

// A label or annotation of a rule: a template, or plain text that needs no expanding.
class RuleText {
 public:
  // REQUIRES: CheckRuleTemplate(alert, text) passed. A text that fails expands to its error.
  RuleText(std::string_view alert, std::string text);

  bool is_template() const { return template_.has_value(); }
  const std::string& text() const { return text_; }
  std::string Expand(const TemplateExpander* expander) const {
    return template_ ? expander->Expand(name_, *template_) : text_;
  }

 private:
  std::string name_;  // of the template
  std::string text_;
  std::optional<alerting::Template> template_;
};

}  // namespace tocsin::rules
