#include "rules/unit_test_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "query/language.h"
#include "rules/histogram_text.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"
#include "storage/model/sample.h"

namespace tocsin::rules {
namespace {

constexpr uint64_t kMaxValues = 10'000'000;
constexpr uint64_t kMaxHistograms = 1'000'000;

// "x12" at the end of a notation: the number, and the text without it.
Result<uint64_t> TakeRepeat(std::string_view* word) {
  const size_t x = word->rfind('x');
  const auto n = x == std::string_view::npos ? std::nullopt : ParseUint(word->substr(x + 1));
  if (!n) return InvalidArgument("");
  if (*n > kMaxValues) return Error(ErrorCode::kLimit, "too many repetitions");
  *word = word->substr(0, x);
  return *n;
}

// The sign that parts a from b in `a+bxn`: not the first one, not one of an exponent.
size_t FindStep(std::string_view word) {
  for (size_t i = 1; i < word.size(); ++i) {
    if ((word[i] == '+' || word[i] == '-') && (word[i - 1] | 0x20) != 'e') return i;
  }
  return std::string_view::npos;
}

Status AppendWord(std::string_view word, SeriesValues& out) {
  const auto unexpected = [given = std::string(word)] {
    return InvalidArgument(
        fmt::format("unexpected \"{}\" in series values, expected number or \"stale\"", given));
  };
  if (word == "_") {
    out.emplace_back();
    return OkStatus();
  }
  if (word == "stale") {
    out.emplace_back(StaleMarker());
    return OkStatus();
  }
  if (const auto v = ParseFloat(word)) {
    out.emplace_back(*v);
    return OkStatus();
  }
  auto repeat = TakeRepeat(&word);
  if (!repeat.ok())
    return repeat.error().code() == ErrorCode::kLimit ? repeat.error() : unexpected();
  if (word == "_") {
    out.insert(out.end(), *repeat, std::nullopt);
    return OkStatus();
  }
  const size_t sign = FindStep(word);
  const auto first = ParseFloat(word.substr(0, sign));
  const auto step = sign == std::string_view::npos ? 0.0 : ParseFloat(word.substr(sign));
  if (!first || !step) return unexpected();
  double v = *first;
  // n repetitions after the first value.
  for (uint64_t i = 0; i <= *repeat; ++i) {
    out.emplace_back(v);
    v += *step;
  }
  return OkStatus();
}

// {{..}}, {{..}}xn, {{..}}+{{..}}xn, {{..}}-{{..}}xn at the start of `text`, which moves on.
Status AppendHistograms(std::string_view* text, SeriesValues& out) {
  const auto take = [&]() -> Result<Histogram> {
    const size_t end = text->find("}}");
    if (end == std::string_view::npos) return InvalidArgument("a histogram without its end }}");
    const std::string_view body = text->substr(0, end + 2);
    text->remove_prefix(end + 2);
    return ParseHistogramText(body);
  };
  TOCSIN_ASSIGN(const Histogram first, take());
  std::optional<Histogram> step;
  bool subtract = false;
  if (text->starts_with("+{{") || text->starts_with("-{{")) {
    subtract = text->front() == '-';
    text->remove_prefix(1);
    TOCSIN_ASSIGN(step, take());
  }
  uint64_t repeat = 0;
  if (text->starts_with('x')) {
    const size_t end = std::min(text->find_first_of(" \t\r\n"), text->size());
    const auto n = ParseUint(text->substr(1, end - 1));
    if (!n) return InvalidArgument("a histogram is repeated an odd number of times");
    if (*n > kMaxHistograms) return Error(ErrorCode::kLimit, "too many repetitions");
    repeat = *n;
    text->remove_prefix(end);
  }
  if (!step) {
    // One value however often it is there.
    const auto shared = std::make_shared<const Histogram>(first);
    for (uint64_t i = 0; i <= repeat; ++i) out.emplace_back(SeriesValue(shared));
    return OkStatus();
  }
  for (Histogram& h : RepeatHistogram(first, *step, subtract, repeat)) {
    out.emplace_back(SeriesValue(std::make_shared<const Histogram>(std::move(h))));
  }
  return OkStatus();
}

Result<Labels> ReadLabels(const YamlNode* node) {
  LabelsBuilder builder;
  if (node != nullptr) {
    TOCSIN_ASSIGN(const auto pairs, YamlStringMap(*node));
    for (const auto& [name, value] : pairs) builder.Set(name, value);
  }
  return builder.Build();
}

// The items of a list that may be absent.
Result<const std::vector<YamlNode>*> ReadList(StrictMap& map, std::string_view key) {
  static const std::vector<YamlNode> kEmpty;
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return &kEmpty;
  if (node->kind != YamlNode::Kind::kSequence) {
    return node->MakeError(fmt::format("{} must be a list", key));
  }
  return &node->items;
}

Result<UnitTest::InputSeries> ReadSeries(const YamlNode& node) {
  StrictMap map(node, "input_series");
  std::string series, values;
  map.Read("series", &series);
  map.Read("values", &values);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  UnitTest::InputSeries out;
  auto labels = query::ParseMetric(series);
  if (!labels.ok())
    return node.MakeError(fmt::format("series '{}': {}", series, labels.error().message()));
  auto parsed = ParseSeriesValues(values);
  if (!parsed.ok())
    return node.MakeError(fmt::format("series '{}': {}", series, parsed.error().message()));
  out.labels = *std::move(labels);
  out.values = *std::move(parsed);
  return out;
}

Result<UnitTest::AlertCheck> ReadAlertCheck(const YamlNode& node) {
  StrictMap map(node, "alert_rule_test");
  UnitTest::AlertCheck check;
  map.Read("eval_time", &check.eval_time);
  map.Read("alertname", &check.alertname);
  TOCSIN_ASSIGN(const auto* alerts, ReadList(map, "exp_alerts"));
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (check.alertname.empty()) {
    return node.MakeError(fmt::format(
        "an item under alert_rule_test misses required attribute alertname at eval_time {}",
        FormatDuration(check.eval_time)));
  }
  for (const YamlNode& item : *alerts) {
    StrictMap alert(item, "exp_alerts");
    TOCSIN_ASSIGN(const Labels labels, ReadLabels(alert.Get("exp_labels")));
    TOCSIN_ASSIGN(Labels annotations, ReadLabels(alert.Get("exp_annotations")));
    TOCSIN_RETURN_IF_ERROR(alert.Finish());
    LabelsBuilder builder(labels);
    builder.Set(kAlertName, check.alertname);
    check.alerts.push_back({builder.Build(), std::move(annotations)});
  }
  return check;
}

Result<UnitTest::ExprCheck> ReadExprCheck(const YamlNode& node) {
  StrictMap map(node, "promql_expr_test");
  UnitTest::ExprCheck check;
  map.Read("expr", &check.expr);
  map.Read("eval_time", &check.eval_time);
  TOCSIN_ASSIGN(const auto* samples, ReadList(map, "exp_samples"));
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  for (const YamlNode& item : *samples) {
    StrictMap sample(item, "exp_samples");
    std::string labels;
    double value = 0;
    sample.Read("labels", &labels);
    sample.Read("value", &value);
    std::string histogram;
    sample.Read("histogram", &histogram);
    TOCSIN_RETURN_IF_ERROR(sample.Finish());
    Labels parsed;
    if (!labels.empty()) {
      auto metric = query::ParseMetric(labels);
      if (!metric.ok())
        return item.MakeError(fmt::format("labels '{}': {}", labels, metric.error().message()));
      parsed = *std::move(metric);
    }
    SeriesValue expected(value);
    if (!histogram.empty()) {
      auto h = ParseHistogramText(histogram);
      if (!h.ok()) return item.MakeError(h.error().message());
      expected.h = std::make_shared<const Histogram>(*std::move(h));
    }
    check.samples.emplace_back(std::move(parsed), std::move(expected));
  }
  return check;
}

Result<Timestamp> ReadStart(const YamlNode& node) {
  TOCSIN_ASSIGN(const std::string text, YamlString(node));
  if (const auto seconds = ParseFloat(text)) {
    return Timestamp{static_cast<int64_t>(*seconds * 1000)};
  }
  auto time = ParseRfc3339(text);
  if (!time.ok()) return node.MakeError("start_timestamp must be a unix time or RFC 3339");
  return time;
}

// The keys of the file, of a test and of what lies below it.
constexpr std::string_view kKnownKeys[] = {"rule_files",
                                           "evaluation_interval",
                                           "group_eval_order",
                                           "fuzzy_compare",
                                           "tests",
                                           "name",
                                           "interval",
                                           "input_series",
                                           "alert_rule_test",
                                           "promql_expr_test",
                                           "external_labels",
                                           "external_url",
                                           "start_timestamp",
                                           "series",
                                           "values",
                                           "eval_time",
                                           "alertname",
                                           "exp_alerts",
                                           "exp_labels",
                                           "exp_annotations",
                                           "expr",
                                           "exp_samples",
                                           "labels",
                                           "value",
                                           "histogram"};

void DropUnknown(YamlNode& node) {
  for (YamlNode& item : node.items) DropUnknown(item);
  std::erase_if(node.members, [](const auto& member) {
    return std::find(std::begin(kKnownKeys), std::end(kKnownKeys), member.first.scalar) ==
           std::end(kKnownKeys);
  });
  for (auto& [key, value] : node.members) {
    const bool free = key.scalar == "exp_labels" || key.scalar == "exp_annotations" ||
                      key.scalar == "external_labels";
    if (!free) DropUnknown(value);
  }
}

Result<UnitTest> ReadTest(const YamlNode& node, Duration evaluation_interval) {
  StrictMap map(node, "test");
  UnitTest test;
  test.interval = evaluation_interval;
  map.Read("name", &test.name);
  map.Read("interval", &test.interval);
  map.Read("external_url", &test.external_url);
  TOCSIN_ASSIGN(test.external_labels, ReadLabels(map.Get("external_labels")));
  if (const YamlNode* start = map.Get("start_timestamp")) {
    TOCSIN_ASSIGN(test.start, ReadStart(*start));
  }
  TOCSIN_ASSIGN(const auto* series, ReadList(map, "input_series"));
  TOCSIN_ASSIGN(const auto* alerts, ReadList(map, "alert_rule_test"));
  TOCSIN_ASSIGN(const auto* exprs, ReadList(map, "promql_expr_test"));
  if (test.interval.count() <= 0) map.FailAt("interval", "interval must be positive");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  for (const YamlNode& item : *series) {
    TOCSIN_ASSIGN(auto read, ReadSeries(item));
    test.input_series.push_back(std::move(read));
  }
  for (const YamlNode& item : *alerts) {
    TOCSIN_ASSIGN(auto read, ReadAlertCheck(item));
    test.alert_checks.push_back(std::move(read));
  }
  for (const YamlNode& item : *exprs) {
    TOCSIN_ASSIGN(auto read, ReadExprCheck(item));
    test.expr_checks.push_back(std::move(read));
  }
  return test;
}

}  // namespace

Result<SeriesValues> ParseSeriesValues(std::string_view text) {
  SeriesValues values;
  while (true) {
    const size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) return values;
    text.remove_prefix(start);
    if (text.starts_with("{{")) {
      TOCSIN_RETURN_IF_ERROR(AppendHistograms(&text, values));
      if (values.size() > kMaxValues) return Error(ErrorCode::kLimit, "too many values");
      continue;
    }
    const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    TOCSIN_RETURN_IF_ERROR(AppendWord(text.substr(0, end), values));
    if (values.size() > kMaxValues) return Error(ErrorCode::kLimit, "too many values");
    text.remove_prefix(end);
  }
}

Result<UnitTestFile> ParseUnitTestFile(std::string_view text, const std::string& file,
                                       bool ignore_unknown, ConfigWarnings& warnings) {
  TOCSIN_ASSIGN(YamlNode root, ParseYaml(text, file, &warnings));
  if (ignore_unknown) DropUnknown(root);
  StrictMap map(root, "unit test file");
  UnitTestFile out;
  map.Read("rule_files", &out.rule_files);
  map.Read("evaluation_interval", &out.evaluation_interval);
  map.Read("group_eval_order", &out.group_eval_order);
  map.Read("fuzzy_compare", &out.fuzzy_compare);
  TOCSIN_ASSIGN(const auto* tests, ReadList(map, "tests"));
  if (out.evaluation_interval.count() <= 0) {
    map.FailAt("evaluation_interval", "evaluation_interval must be positive");
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  std::set<std::string> names;
  for (const std::string& name : out.group_eval_order) {
    if (!names.insert(name).second) {
      return InvalidArgument("group name repeated in evaluation order: " + name);
    }
  }
  for (const YamlNode& node : *tests) {
    TOCSIN_ASSIGN(auto test, ReadTest(node, out.evaluation_interval));
    out.tests.push_back(std::move(test));
  }
  return out;
}

}  // namespace tocsin::rules
