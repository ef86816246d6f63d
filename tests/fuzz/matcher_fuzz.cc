// Matchers as in routes, silences and the API's filters: parsed, printed, and parsed again.
#include "alerting/matcher_parser.h"
#include "storage/base/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {

void RunOne(std::string_view input) {
  static const Labels labels{{"alertname", "A"}, {"severity", "page"}};
  if (const auto one = alerting::ParseMatcher(input); one.ok()) {
    (void)one->Matches(labels.Get(one->name()));
  }
  const auto all = alerting::ParseMatchers(input);
  if (!all.ok()) return;
  (void)MatchesAll(*all, labels);
  const std::string printed = alerting::FormatMatchers(*all);
  const auto again = alerting::ParseMatchers(printed);
  TOCSIN_CHECK(again.ok(), "what is printed parses");
  TOCSIN_CHECK(alerting::FormatMatchers(*again) == printed, "printing is stable");
}

std::vector<std::string> Seeds() {
  return {
      "severity=\"page\"",
      "{a=b, c != \"d\\\"e\\\\\\n\",f=~\"x|y.*\", g!~z,}",
      "\"quoted name\"=\"\\u00e9\\x41\\101\", \xc3\xa9=1",
      "x=,y=\"\"",
      "a=b,c=\"d,e\"",
  };
}

}  // namespace tocsin::fuzz
