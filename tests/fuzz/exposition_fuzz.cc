// A scraped page, read as text format and as OpenMetrics, with and without the help of a page
// before it.
#include "ingest/exposition/entry.h"
#include "ingest/exposition/openmetrics_parser.h"
#include "ingest/exposition/text_parser.h"
#include "storage/base/check.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

using ingest::ExpositionEntry;

// Returns the series texts seen. An entry takes at least a byte, so that a parser cannot stand.
template <typename Parser>
std::vector<std::string_view> Parse(std::string_view body,
                                    const std::vector<std::string_view>& expected) {
  Parser parser(body);
  std::vector<std::string_view> series;
  ingest::ParsedLabels labels;
  for (size_t entries = 0;; ++entries) {
    TOCSIN_CHECK(entries <= body.size() + 1, "the parser moves on");
    const auto hint = series.size() < expected.size() ? expected[series.size()] : "";
    switch (parser.Next(hint)) {
      case ExpositionEntry::kSample:
        series.push_back(parser.sample().series);
        labels.clear();
        if (ingest::ParseSeriesText(parser.sample().series, &labels).ok()) {
          ingest::NormalizeBucketLabels(MetricType::kHistogram, &labels);
        }
        break;
      case ExpositionEntry::kHelp:
        (void)ingest::UnescapeHelp(parser.meta().text).ok();
        break;
      case ExpositionEntry::kType:
      case ExpositionEntry::kUnit:
        break;
      case ExpositionEntry::kEnd:
        return series;
      case ExpositionEntry::kError:
        TOCSIN_CHECK(!parser.status().ok(), "an error says why");
        return series;
    }
  }
}

template <typename Parser>
void ParseTwice(std::string_view body) {
  const auto first = Parse<Parser>(body, {});
  const auto second = Parse<Parser>(body, first);
  TOCSIN_CHECK(first == second, "what is expected does not change what is read");
}

}  // namespace

void RunOne(std::string_view input) {
  ParseTwice<ingest::TextParser>(input);
  ParseTwice<ingest::OpenMetricsParser>(input);
}

std::vector<std::string> Seeds() {
  return {
      "# HELP up Whether it \\n is \\\\ up.\n# TYPE up gauge\nup 1\nup{a=\"b\"} 0 1700000000000\n",
      "h_bucket{le=\"0.1\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 1.5e-3\nh_count 4\nx NaN\ny -Inf\n",
      "esc{a=\"q\\\"\\\\\\n\",b=\"\xc3\xa9\",} 0x1p3\n{\"quoted.name\",\"l.x\"=\"v\"} 1\n",
      "# TYPE a counter\n# HELP a h\na_total 5 1.5 # {trace_id=\"x\"} 0.67 12.5\n# EOF\n",
      "# TYPE i info\n# UNIT s_seconds seconds\ni_info{v=\"1\"} 1\na_created 1.0\n# EOF\n",
      "  # comment\n\n\t spaced {a = \"b\" , c=\"d\"} 1 \n",
  };
}

}  // namespace tocsin::fuzz
