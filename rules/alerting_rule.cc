#include "rules/alerting_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "rules/expression.h"

namespace tocsin::rules {
namespace {

constexpr std::string_view kAlertsMetric = "ALERTS";
constexpr std::string_view kAlertsForStateMetric = "ALERTS_FOR_STATE";
constexpr std::string_view kAlertStateLabel = "alertstate";

// Form encoding, as in the query of a URL.
std::string QueryEscape(std::string_view text) {
  std::string out;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

void AppendSeries(const AlertEntry& entry, std::vector<RuleSample>& out) {
  LabelsBuilder builder(entry.labels);
  builder.Set(kMetricName, kAlertsForStateMetric);
  Labels for_state = builder.Build();
  builder.Set(kMetricName, kAlertsMetric);
  builder.Set(kAlertStateLabel, entry.state == AlertState::kFiring ? "firing" : "pending");
  out.push_back({builder.Build(), 1, nullptr});
  // Whole seconds, as Prometheus writes it.
  const int64_t ms = entry.active_at.ms;
  const int64_t seconds = ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
  out.push_back({std::move(for_state), static_cast<double>(seconds), nullptr});
}

}  // namespace

AlertingRule::AlertingRule(const RuleConfig& rule) : rule_(rule) {
  const auto prepare = [&](const RuleLabels& from, auto& to) {
    for (const auto& [name, text] : from) {
      to.emplace_back(name, RuleText(rule.alert, text));
      has_templates_ |= to.back().second.is_template();
    }
  };
  prepare(rule.labels, labels_);
  prepare(rule.annotations, annotations_);
}

Result<std::vector<AlertElement>> AlertingRule::Elements(const EvaluationContext& context) const {
  TOCSIN_ASSIGN(const query::Vector vector,
                EvaluateExpression(context.engine, rule_.expr, context.ts - context.query_offset,
                                   context.origin));
  std::optional<TemplateExpander> expander;
  if (has_templates_ && !vector.empty()) {
    expander.emplace(context.engine, context.ts, context.external_labels, context.external_url,
                     context.template_metrics);
  }
  std::vector<AlertElement> elements;
  elements.reserve(vector.size());
  LabelsBuilder builder;
  for (const query::VectorElement& sample : vector) {
    if (expander) expander->SetElement(sample);
    const TemplateExpander* expand = expander ? &*expander : nullptr;
    AlertElement& element = elements.emplace_back();
    builder.Reset(sample.labels);
    builder.Del(kMetricName);
    for (const auto& [name, text] : labels_) builder.Set(name, text.Expand(expand));
    builder.Set(kAlertName, rule_.alert);
    element.labels = builder.Build();
    builder.Reset();
    for (const auto& [name, text] : annotations_) builder.Set(name, text.Expand(expand));
    element.annotations = builder.Build();
    element.value = sample.h ? 0 : sample.v;
  }
  return elements;
}

Result<std::vector<RuleSample>> AlertingRule::Evaluate(const EvaluationContext& context) {
  TOCSIN_ASSIGN(std::vector<AlertElement> elements, Elements(context));
  std::lock_guard lock(mutex_);
  TOCSIN_RETURN_IF_ERROR(states_.Update(context.ts, std::move(elements), rule_.for_,
                                        rule_.keep_firing_for, context.limit));
  std::vector<RuleSample> samples;
  for (const auto& [labels, entry] : states_.entries()) {
    if (entry.active()) AppendSeries(entry, samples);
  }
  return samples;
}

std::vector<alerting::Alert> AlertingRule::TakeDue(Timestamp ts, Duration interval,
                                                   Duration resend_delay,
                                                   const std::string& external_url) {
  std::vector<AlertEntry> due;
  {
    std::lock_guard lock(mutex_);
    due = states_.TakeDue(ts, resend_delay);
  }
  if (due.empty()) return {};
  const std::string url = external_url + "/graph?g0.expr=" + QueryEscape(rule_.expr) + "&g0.tab=1";
  const Timestamp valid_until = ts + 4 * std::max(interval, resend_delay);
  std::vector<alerting::Alert> alerts;
  alerts.reserve(due.size());
  for (AlertEntry& entry : due) {
    alerting::Alert& alert = alerts.emplace_back();
    alert.labels = std::move(entry.labels);
    alert.annotations = std::move(entry.annotations);
    alert.starts_at = entry.fired_at.value_or(entry.active_at);
    alert.ends_at = entry.resolved_at.value_or(valid_until);
    alert.updated_at = ts;
    alert.generator_url = url;
  }
  return alerts;
}

void AlertingRule::Shift(Duration by) {
  std::lock_guard lock(mutex_);
  states_.Shift(by);
}

void AlertingRule::Restore(std::vector<AlertEntry> entries) {
  std::lock_guard lock(mutex_);
  states_.Restore(std::move(entries));
}

std::vector<AlertEntry> AlertingRule::Entries() const {
  std::vector<AlertEntry> entries;
  {
    std::lock_guard lock(mutex_);
    entries.reserve(states_.entries().size());
    for (const auto& [labels, entry] : states_.entries()) entries.push_back(entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const AlertEntry& a, const AlertEntry& b) { return a.labels < b.labels; });
  return entries;
}

bool AlertingRule::TakeChanged() {
  std::lock_guard lock(mutex_);
  return states_.TakeChanged();
}

AlertState AlertingRule::state() const {
  std::lock_guard lock(mutex_);
  return states_.highest();
}

}  // namespace tocsin::rules
