#include "query/language.h"

#include <functional>

#include "query/functions/registry.h"
#include "query/parser/grammar.h"
#include "query/parser/parser.h"
#include "query/parser/printer.h"

namespace tocsin::query {

namespace {

constexpr Features kEverything{.experimental_functions = true,
                               .delayed_name_removal = true,
                               .extended_range_selectors = true,
                               .binop_fill_modifiers = true,
                               .type_and_unit_labels = true,
                               .use_start_timestamps = true};

void Collect(const VectorSelector& selector, Dependencies& dependencies) {
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() != kMetricName) continue;
    if (matcher.op() == MatchOp::kEqual) {
      dependencies.metric_names.insert(matcher.value());
      return;
    }
    if (matcher.op() == MatchOp::kRegex && !matcher.regex()->literals().empty()) {
      const auto& names = matcher.regex()->literals();
      dependencies.metric_names.insert(names.begin(), names.end());
      return;
    }
  }
  dependencies.all = true;
}

void Collect(const Expr& expr, Dependencies& dependencies) {
  if (expr.kind == ExprKind::kVectorSelector) Collect(As<VectorSelector>(expr), dependencies);
  ForEachChild(expr, [&](const Expr& child) { Collect(child, dependencies); });
}

void Collect(const Expr& expr, std::vector<std::vector<Matcher>>& selectors) {
  if (expr.kind == ExprKind::kVectorSelector)
    selectors.push_back(As<VectorSelector>(expr).matchers);
  ForEachChild(expr, [&](const Expr& child) { Collect(child, selectors); });
}

void EditSelectors(Expr& expr, const std::function<void(VectorSelector&)>& edit) {
  if (expr.kind == ExprKind::kVectorSelector) edit(As<VectorSelector>(expr));
  // The whole tree is ours to change; only the walk is for readers.
  ForEachChild(expr, [&](const Expr& child) { EditSelectors(const_cast<Expr&>(child), edit); });
}

}  // namespace

Status CheckQuery(std::string_view query, const Features& features) {
  TOCSIN_RETURN_IF_ERROR(ParseExpr(query, features));
  return OkStatus();
}

Result<std::vector<Matcher>> ParseSelector(std::string_view text) {
  return Grammar(text, kEverything).ParseSelectorOnly();
}

Result<Labels> ParseMetric(std::string_view text) {
  return Grammar(text, kEverything).ParseMetricOnly();
}

Result<std::string> FormatQuery(std::string_view query) {
  TOCSIN_ASSIGN(const ExprPtr expr, ParseExpr(query, kEverything));
  return PrettyPrintExpr(*expr);
}

Result<std::string> SetMatcher(std::string_view query, const Matcher& matcher) {
  TOCSIN_ASSIGN(const ExprPtr expr, ParseExpr(query, kEverything));
  EditSelectors(*expr, [&](VectorSelector& selector) {
    bool found = false;
    for (Matcher& m : selector.matchers) {
      if (m.name() != matcher.name()) continue;
      m = matcher;
      found = true;
    }
    if (!found) selector.matchers.push_back(matcher);
    if (matcher.name() == kMetricName) selector.name.clear();
  });
  return PrettyPrintExpr(*expr);
}

Result<std::string> DeleteMatcher(std::string_view query, std::string_view name) {
  TOCSIN_ASSIGN(const ExprPtr expr, ParseExpr(query, kEverything));
  EditSelectors(*expr, [&](VectorSelector& selector) {
    std::erase_if(selector.matchers, [&](const Matcher& m) { return m.name() == name; });
    if (name == kMetricName) selector.name.clear();
  });
  return PrettyPrintExpr(*expr);
}

std::string PrintQuery(std::string_view query) {
  const auto expr = ParseExpr(query, kEverything);
  return expr.ok() ? PrintExpr(**expr) : std::string(query);
}

Result<std::string> ParseQueryJson(std::string_view query, const Features& features) {
  TOCSIN_ASSIGN(const ExprPtr expr, ParseExpr(query, features));
  return ExprToJson(*expr);
}

Result<std::vector<std::vector<Matcher>>> SelectorsOf(std::string_view query,
                                                      const Features& features) {
  TOCSIN_ASSIGN(const ExprPtr expr, ParseExpr(query, features));
  std::vector<std::vector<Matcher>> selectors;
  Collect(*expr, selectors);
  return selectors;
}

Result<Dependencies> QueryDependencies(std::string_view query) {
  TOCSIN_ASSIGN(const ExprPtr expr, ParseExpr(query, kEverything));
  Dependencies dependencies;
  Collect(*expr, dependencies);
  return dependencies;
}

std::vector<std::pair<std::string, bool>> FunctionNames(const Features& features) {
  std::vector<std::pair<std::string, bool>> names;
  for (const FunctionSpec* function : AllFunctions()) {
    names.emplace_back(function->name, !function->experimental || features.experimental_functions);
  }
  return names;
}

}  // namespace tocsin::query
