// A query: parsed, printed, and parsed again.
#include "query/language.h"
#include "storage/base/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {

void RunOne(std::string_view input) {
  query::Features features;
  features.experimental_functions = true;
  features.extended_range_selectors = true;
  features.binop_fill_modifiers = true;
  (void)query::ParseSelector(input).ok();
  (void)query::ParseMetric(input).ok();
  (void)query::ParseQueryJson(input, features).ok();
  (void)query::QueryDependencies(input).ok();
  if (!query::CheckQuery(input).ok()) return;
  const std::string printed = query::PrintQuery(input);
  TOCSIN_CHECK(query::CheckQuery(printed).ok(), "what is printed parses");
  TOCSIN_CHECK(query::PrintQuery(printed) == printed, "printing is stable");
  const auto formatted = query::FormatQuery(input);
  TOCSIN_CHECK(formatted.ok() && query::CheckQuery(*formatted).ok(), "what is formatted parses");
}

std::vector<std::string> Seeds() {
  return {
      "sum by (job, method) (rate(http_requests_total{status=~\"5..\", a!=\"b\"}[5m]))",
      "histogram_quantile(0.9, sum by (le) (rate(h_bucket[10m] offset -1h30m)))",
      "a / on (x) group_left (y) b * 2 ^ -3 ^ 2 unless c or d and ignoring (z) e",
      "max_over_time(deriv(rate(distance_covered_total[5s])[30s:5s])[10m:] @ start())",
      "{__name__=\"x\", \"quoted.label\"='v', c!~`r.w`} @ 1609746000.5 offset 5m > bool 0x1F",
      "label_replace(up, \"a\", \"$1\\n\", \"b\", \"(.*)\") == Inf",
      "topk(5, count_values(\"v\", -(+up) % 1e-3)) # comment\n",
      "quantile without (a) (.5, {\"m.n\"}) + time() - NaN + vector(scalar(up))",
  };
}

}  // namespace tocsin::fuzz
