// The language without evaluation, for whoever checks, prints or needs parts of expressions.
// Any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "query/engine.h"
#include "storage/base/result.h"
#include "storage/model/matcher.h"

namespace tocsin::query {

// OK when `query` parses and type-checks; else kInvalidArgument "line:col: parse error: ...".
Status CheckQuery(std::string_view query, const Features& features = {});

// A bare vector selector, as in match[]: `up{job="x"}`.
Result<std::vector<Matcher>> ParseSelector(std::string_view text);
// A metric in text notation, as in unit tests: `up{job="x"}`.
Result<Labels> ParseMetric(std::string_view text);

// Pretty-printed as /format_query does.
Result<std::string> FormatQuery(std::string_view query);
// On one line, normalised, as /rules shows expressions; the text itself when it does not parse.
std::string PrintQuery(std::string_view query);
// The AST as JSON, as /parse_query does.
Result<std::string> ParseQueryJson(std::string_view query, const Features& features = {});

// Pretty-printed with `matcher` in every selector, in place of those of the same label.
Result<std::string> SetMatcher(std::string_view query, const Matcher& matcher);
// The same without the matchers of label `name`.
Result<std::string> DeleteMatcher(std::string_view query, std::string_view name);

// The matchers of every selector in it, as /query_exemplars asks for them.
Result<std::vector<std::vector<Matcher>>> SelectorsOf(std::string_view query,
                                                      const Features& features);

// What a rule group needs to know about order: the metric names an expression reads;
// `all`: it has a selector without a name matcher.
struct Dependencies {
  std::set<std::string> metric_names;
  bool all = false;
};
Result<Dependencies> QueryDependencies(std::string_view query);

// Names of all functions and whether each is enabled, for /features and completion.
std::vector<std::pair<std::string, bool>> FunctionNames(const Features& features);

}  // namespace tocsin::query
