// The two exposition parsers on good and bad pages; errors are compared to the letter.
#include <gtest/gtest.h>

#include <cmath>

#include "ingest/exposition/openmetrics_parser.h"
#include "ingest/exposition/text_parser.h"
#include "storage/base/number.h"

namespace tocsin::ingest {
namespace {

std::string Print(const ExpositionSample& sample) {
  ParsedLabels labels;
  const Status status = ParseSeriesText(sample.series, &labels);
  std::string out;
  if (!status.ok()) return "error: " + status.error().message();
  for (const auto& [name, value] : labels) out += name + "=" + value + ";";
  out += " ";
  AppendApiFloat(out, sample.value);
  if (sample.has_timestamp) out += " @" + std::to_string(sample.timestamp_ms);
  return out;
}

// Every entry as a line of text, or the error as the last one.
template <typename Parser>
std::vector<std::string> ParseAll(std::string_view body) {
  std::vector<std::string> out;
  Parser parser(body);
  for (;;) {
    switch (parser.Next()) {
      case ExpositionEntry::kSample:
        out.push_back(Print(parser.sample()));
        break;
      case ExpositionEntry::kType:
        out.push_back("TYPE " + std::string(parser.meta().family) + " " +
                      std::string(MetricTypeName(parser.meta().type)));
        break;
      case ExpositionEntry::kHelp:
        out.push_back("HELP " + std::string(parser.meta().family) + " " +
                      UnescapeHelp(parser.meta().text).value_or("bad"));
        break;
      case ExpositionEntry::kUnit:
        out.push_back("UNIT " + std::string(parser.meta().family) + " " +
                      std::string(parser.meta().text));
        break;
      case ExpositionEntry::kEnd:
        return out;
      case ExpositionEntry::kError:
        out.push_back(parser.status().error().message());
        return out;
    }
  }
}

using Lines = std::vector<std::string>;

Lines Text(std::string_view body) { return ParseAll<TextParser>(body); }
Lines OpenMetrics(std::string_view body) { return ParseAll<OpenMetricsParser>(body); }
std::string TextError(std::string_view body) { return Text(body).back(); }
std::string OpenMetricsError(std::string_view body) { return OpenMetrics(body).back(); }

TEST(TextParser, ReadsAPage) {
  EXPECT_EQ(Text("# HELP go_goroutines Number of\\ngoroutines \\\\ now.\n"
                 "# TYPE go_goroutines gauge\n"
                 "go_goroutines 33\n"
                 "\n"
                 "# just a comment\n"
                 "#no space\n"
                 "# TYPE rpc summary\n"
                 "rpc{quantile=\"0.5\",service=\"a b\",} 1.5e-3 1520879607789\n"
                 "  rpc_sum\t {  service = \"x\" , a=\"b\" } \t-Inf  \n"
                 "last NaN"),
            (Lines{"HELP go_goroutines Number of\ngoroutines \\ now.", "TYPE go_goroutines gauge",
                   "__name__=go_goroutines; 33", "TYPE rpc summary",
                   "__name__=rpc;quantile=0.5;service=a b; 0.0015 @1520879607789",
                   "__name__=rpc_sum;service=x;a=b; -Inf", "__name__=last; NaN"}));
}

TEST(TextParser, ReadsQuotedNames) {
  EXPECT_EQ(Text("# TYPE \"my.name\" counter\n"
                 "{\"my.name\",\"http.status\"=\"200\",b=\"c\"} 1\n"
                 "{\"only \\\"name\\\"\"} 2\n"
                 "{b=\"c\",\"late.name\"} 3\n"),
            (Lines{"TYPE my.name counter", "__name__=my.name;http.status=200;b=c; 1",
                   "__name__=only \"name\"; 2", "__name__=late.name;b=c; 3"}));
}

TEST(TextParser, ReadsEscapes) {
  EXPECT_EQ(Text("a{b=\"q\\\"uo\\\\te\\nd \\x } , = #\"} 1\n"),
            (Lines{"__name__=a;b=q\"uo\\te\nd \\x } , = #; 1"}));
}

TEST(TextParser, ReadsNumbers) {
  EXPECT_EQ(Text("a +1\na 1e400\na +Inf\na iNf\na .5\na 5.\na 0x1f"),
            (Lines{"__name__=a; 1", "__name__=a; +Inf", "__name__=a; +Inf", "__name__=a; +Inf",
                   "__name__=a; 0.5", "__name__=a; 5",
                   "line 7: strconv.ParseFloat: parsing \"0x1f\": invalid syntax while parsing: "
                   "\"a 0x1f\""}));
}

TEST(TextParser, NaNIsTheOrdinaryOne) {
  TextParser parser("a NaN\n");
  ASSERT_EQ(parser.Next(), ExpositionEntry::kSample);
  EXPECT_EQ(std::bit_cast<uint64_t>(parser.sample().value), kNormalNaNBits);
}

TEST(TextParser, NamesTheLineAndTheReason) {
  EXPECT_EQ(
      TextError("ok 1\na\n"),
      "line 2: expected value after metric, got \"\\n\" (\"INVALID\") while parsing: \"a\\n\"");
  EXPECT_EQ(TextError("a{b='c'} 1\n"),
            "line 1: expected label value, got \"'\" (\"INVALID\") while parsing: \"a{b='\"");
  EXPECT_EQ(TextError("a{b=\n"),
            "line 1: expected label value, got \"\\n\" (\"INVALID\") while parsing: \"a{b=\\n\"");
  EXPECT_EQ(TextError("a{\xff=\"foo\"} 1\n"),
            "line 1: expected label name, got \"\\xff\" (\"INVALID\") while parsing: \"a{\\xff\"");
  EXPECT_EQ(TextError("a{b=\"c\" d=\"e\"} 1\n"),
            "line 1: expected comma or brace close, got \"d\" (\"INVALID\") while parsing: "
            "\"a{b=\\\"c\\\" d\"");
  EXPECT_EQ(TextError("\n\n1a 2\n"),
            "line 3: expected a valid start token, got \"1\" (\"INVALID\") while parsing: \"1\"");
  EXPECT_EQ(
      TextError("a 1\r\n"),
      "line 1: strconv.ParseFloat: parsing \"1\\r\": invalid syntax while parsing: \"a 1\\r\"");
  EXPECT_EQ(TextError("a 1_0\n"),
            "line 1: strconv.ParseFloat: parsing \"1_0\": invalid syntax while parsing: \"a 1_0\"");
  EXPECT_EQ(TextError("a 1 -5\n"),
            "line 1: expected timestamp or new record, got \"-\" (\"INVALID\") while parsing: "
            "\"a 1 -\"");
  EXPECT_EQ(TextError("a 1 5 6\n"),
            "line 1: expected next entry after timestamp, got \"6\" (\"INVALID\") while parsing: "
            "\"a 1 5 6\"");
  EXPECT_EQ(TextError("a 1 99999999999999999999\n"),
            "line 1: strconv.ParseInt: parsing \"99999999999999999999\": value out of range while "
            "parsing: \"a 1 99999999999999999999\"");
  EXPECT_EQ(TextError("# TYPE a bad_type\n"),
            "line 1: invalid metric type \"bad_type\" while parsing: \"# TYPE a bad_type\"");
  EXPECT_EQ(TextError("# TYPE 1 gauge\n"),
            "line 1: expected metric name after TYPE, got \"1\" (\"INVALID\") while parsing: "
            "\"# TYPE 1\"");
  EXPECT_EQ(TextError("{b=\"c\"} 1\n"),
            "line 1: metric name not set, expected a quoted name, got \"}\" (\"INVALID\") while "
            "parsing: \"{b=\\\"c\\\"}\"");
  EXPECT_EQ(
      TextError("a{\"b\"} 1\n"),
      "line 1: metric name already set, expected label name, got \"\\\"\" (\"INVALID\") while "
      "parsing: \"a{\\\"\"");
  EXPECT_EQ(TextError("a{b=\"never closed\nc 1\n"),
            "line 1: expected label value, got \"\\\"\" (\"INVALID\") while parsing: \"a{b=\\\"\"");
}

TEST(TextParser, EveryPrefixOfAPageEndsOrFails) {
  const std::string page =
      "# HELP a b\n# TYPE a histogram\na{le=\"1\",x=\"\\\"\"} 1 5\n{\"q.n\",b=\"c\"} NaN\n";
  for (size_t size = 0; size <= page.size(); ++size) {
    // A copy of exactly that size, so that a sanitizer sees a read past the end.
    const std::vector<char> copy(page.begin(), page.begin() + static_cast<ptrdiff_t>(size));
    TextParser text(std::string_view(copy.data(), copy.size()));
    OpenMetricsParser open(std::string_view(copy.data(), copy.size()));
    for (int i = 0; i < 10; ++i) {
      (void)text.Next("a{le=\"1\",x=\"\\\"\"}");
      (void)open.Next("a{le=\"1\",x=\"\\\"\"}");
    }
    const auto last = text.Next();
    EXPECT_TRUE(last == ExpositionEntry::kEnd || last == ExpositionEntry::kError);
  }
}

TEST(TextParser, SkipsTheStructureOfAnExpectedSeries) {
  const std::string body = "a{b=\"c\"} 1\na 2\na {b=\"c\"} 3\n";
  TextParser parser(body);
  ASSERT_EQ(parser.Next("a{b=\"c\"}"), ExpositionEntry::kSample);
  EXPECT_TRUE(parser.matched());
  EXPECT_EQ(parser.sample().value, 1);
  ASSERT_EQ(parser.Next("a{b=\"c\"}"), ExpositionEntry::kSample);
  EXPECT_FALSE(parser.matched());
  EXPECT_EQ(parser.sample().series, "a");
  // "a" is a prefix of the line but not its series.
  ASSERT_EQ(parser.Next("a"), ExpositionEntry::kSample);
  EXPECT_FALSE(parser.matched());
  EXPECT_EQ(parser.sample().series, "a {b=\"c\"}");
  EXPECT_EQ(parser.sample().value, 3);
}

TEST(SeriesText, RefusesWhatIsNoLabelSet) {
  EXPECT_EQ(Text("a{b=\"1\",b=\"2\"} 1\n"), (Lines{"error: label name \"b\" is not unique"}));
  EXPECT_EQ(Text("a{b=\"\xff\"} 1\n"), (Lines{"error: invalid UTF-8 label value: \"\\xff\""}));
  std::string many = "a{";
  for (int i = 0; i < 100; ++i) many += "l" + std::to_string(i) + "=\"x\",";
  EXPECT_EQ(Text(many + "l7=\"y\"} 1\n"), (Lines{"error: label name \"l7\" is not unique"}));
}

TEST(SeriesText, NormalisesBuckets) {
  ParsedLabels labels{{"__name__", "a_bucket"}, {"le", "1"}, {"quantile", "1"}};
  NormalizeBucketLabels(MetricType::kHistogram, &labels);
  EXPECT_EQ(labels[1].second, "1.0");
  EXPECT_EQ(labels[2].second, "1");
  NormalizeBucketLabels(MetricType::kSummary, &labels);
  EXPECT_EQ(labels[2].second, "1.0");
  labels[1].second = "1000000";
  NormalizeBucketLabels(MetricType::kHistogram, &labels);
  EXPECT_EQ(labels[1].second, "1e+06");
  labels[1].second = "not a number";
  NormalizeBucketLabels(MetricType::kHistogram, &labels);
  EXPECT_EQ(labels[1].second, "not a number");
}

TEST(OpenMetricsParser, ReadsAPage) {
  EXPECT_EQ(OpenMetrics("# HELP foo_seconds some\\nhelp\n"
                        "# UNIT foo_seconds seconds\n"
                        "# TYPE foo_seconds counter\n"
                        "foo_seconds_total{a=\"b\"} 17.0 1520879607.789 # {id=\"x-1\"} 5\n"
                        "foo_seconds_created{a=\"b\"} 1520872607.123\n"
                        "# TYPE hh histogram\n"
                        "hh_bucket{le=\"1.0\"} 1 # {} 4 1.5\n"
                        "# TYPE s stateset\n"
                        "{\"q.n\",b=\"c\"} 1\n"
                        "# EOF"),
            (Lines{"HELP foo_seconds some\nhelp", "UNIT foo_seconds seconds",
                   "TYPE foo_seconds counter", "__name__=foo_seconds_total;a=b; 17 @1520879607789",
                   "__name__=foo_seconds_created;a=b; 1520872607.123", "TYPE hh histogram",
                   "__name__=hh_bucket;le=1.0; 1", "TYPE s stateset", "__name__=q.n;b=c; 1"}));
}

TEST(OpenMetricsParser, ReadsExemplars) {
  OpenMetricsParser parser(
      "a_total 1 # {a=\"b\",c=\"d\"} 2 3.5\na_total 1\na_total 1 7 # {} -1\n# EOF\n");
  ASSERT_EQ(parser.Next(), ExpositionEntry::kSample);
  EXPECT_EQ(parser.sample().exemplar.labels, "{a=\"b\",c=\"d\"}");
  EXPECT_EQ(parser.sample().exemplar.value, 2);
  EXPECT_TRUE(parser.sample().exemplar.has_timestamp);
  EXPECT_EQ(parser.sample().exemplar.timestamp_ms, 3500);
  EXPECT_FALSE(parser.sample().has_timestamp);
  ASSERT_EQ(parser.Next(), ExpositionEntry::kSample);
  EXPECT_TRUE(parser.sample().exemplar.labels.empty());
  ASSERT_EQ(parser.Next(), ExpositionEntry::kSample);
  EXPECT_EQ(parser.sample().timestamp_ms, 7000);
  EXPECT_EQ(parser.sample().exemplar.labels, "{}");
  EXPECT_EQ(parser.sample().exemplar.value, -1);
  EXPECT_FALSE(parser.sample().exemplar.has_timestamp);
}

TEST(OpenMetricsParser, IsStrict) {
  EXPECT_EQ(OpenMetricsError(""), "data does not end with # EOF");
  EXPECT_EQ(OpenMetricsError("a 1\n"), "data does not end with # EOF");
  EXPECT_EQ(OpenMetricsError("a 1\n# EOF\na 2\n"), "unexpected data after # EOF");
  EXPECT_EQ(OpenMetricsError("a 1"),
            "line 1: expected next entry after timestamp, got \"\" (\"EOF\") while parsing: "
            "\"a 1\"");
  EXPECT_EQ(OpenMetricsError("\n# EOF\n"),
            "line 1: expected a valid start token, got \"\\n\" (\"INVALID\") while parsing: "
            "\"\\n\"");
  EXPECT_EQ(OpenMetricsError("a  1\n# EOF\n"),
            "line 1: expected value after metric, got \" \" (\"INVALID\") while parsing: \"a  \"");
  EXPECT_EQ(OpenMetricsError("a{b = \"c\"} 1\n# EOF\n"),
            "line 1: expected equal, got \" \" (\"INVALID\") while parsing: \"a{b \"");
  EXPECT_EQ(OpenMetricsError("# TYPE a untyped\n# EOF\n"),
            "line 1: invalid metric type \"untyped\" while parsing: \"# TYPE a untyped\"");
  EXPECT_EQ(OpenMetricsError("# UNIT a_metric seconds\n# EOF\n"),
            "line 1: unit \"seconds\" not a suffix of metric \"a_metric\" while parsing: "
            "\"# UNIT a_metric seconds\"");
  EXPECT_EQ(OpenMetricsError("# comment\n# EOF\n"),
            "line 1: expected TYPE, HELP, UNIT or EOF, got \"#\" (\"INVALID\") while parsing: "
            "\"#\"");
  EXPECT_EQ(OpenMetricsError("a 1 Inf\n# EOF\n"),
            "line 1: invalid timestamp inf while parsing: \"a 1 Inf\"");
  EXPECT_EQ(OpenMetricsError("a 1 # {a=b} 1\n# EOF\n"),
            "line 1: expected label value in exemplar, got \"=\" (\"INVALID\") while parsing: "
            "\"a 1 # {a=\"");
}

}  // namespace
}  // namespace tocsin::ingest
