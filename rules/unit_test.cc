#include "rules/unit_test.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "query/histogram/text.h"
#include "rules/alerting_rule.h"
#include "rules/expression.h"
#include "rules/histogram_text.h"
#include "rules/recording_rule.h"
#include "rules/unit_test_file.h"
#include "rules/unit_test_store.h"
#include "storage/model/duration.h"
#include "storage/model/matcher.h"

namespace tocsin::rules {
namespace {

// Time stands where the evaluation is; nothing is measured.
class StandingClock final : public Clock {
 public:
  Timestamp Now() const override { return now; }
  MonotonicTime Monotonic() const override { return {}; }
  Timestamp now;
};

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

// time.Duration's String for whole seconds and milliseconds.
std::string GoDuration(Duration d) {
  const int64_t ms = d.count();
  const std::string seconds = fmt::format("{}s", static_cast<double>(ms % 60'000) / 1000);
  if (ms < 60'000) return seconds;
  if (ms < 3'600'000) return fmt::format("{}m{}", ms / 60'000, seconds);
  return fmt::format("{}h{}m{}", ms / 3'600'000, ms / 60'000 % 60, seconds);
}

// Every line but the first moves right.
std::string Indent(std::string_view text, std::string_view indent) {
  std::string out;
  for (char c : text) {
    out += c;
    if (c == '\n') out += indent;
  }
  return out;
}

using Alerts = std::vector<UnitTest::ExpectedAlert>;

bool Before(const UnitTest::ExpectedAlert& a, const UnitTest::ExpectedAlert& b) {
  if (a.labels != b.labels) return a.labels < b.labels;
  return a.annotations < b.annotations;
}

std::string Print(const Alerts& alerts) {
  if (alerts.empty()) return "[]";
  std::string out = "[";
  for (size_t i = 0; i < alerts.size(); ++i) {
    out += fmt::format("{}\n{}:", i > 0 ? "," : "", i);
    out += Indent("\nLabels:" + alerts[i].labels.ToSetString() +
                      "\nAnnotations:" + alerts[i].annotations.ToSetString(),
                  "  ");
  }
  return out + "\n]";
}

using Samples = std::vector<std::pair<Labels, SeriesValue>>;

std::string Print(const SeriesValue& value) {
  if (value.h) return query::HistogramText(*value.h);
  std::string number;
  AppendExpFloat(number, value.v);
  std::replace(number.begin(), number.end(), 'e', 'E');
  return number;
}

std::string Print(const Samples& samples, std::string_view separator = ", ") {
  if (samples.empty()) return "nil";
  std::string out;
  for (const auto& [labels, value] : samples) {
    if (!out.empty()) out += separator;
    out += labels.ToSetString() + " " + Print(value);
  }
  return out;
}

bool EqualValues(double a, double b, bool fuzzy) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return fuzzy && (std::nextafter(a, b) == b);
}

bool EqualSamples(const Samples& a, const Samples& b, bool fuzzy) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
    if (x.first != y.first || (x.second.h == nullptr) != (y.second.h == nullptr)) return false;
    if (x.second.h) return EqualHistograms(*x.second.h, *y.second.h);
    return EqualValues(x.second.v, y.second.v, fuzzy);
  });
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Both texts in one: lines of only the first with -, of only the second with +. By the longest
// common subsequence; the texts are those of one check.
std::string DiffLines(std::string_view expected, std::string_view got) {
  const auto a = Lines(expected), b = Lines(got);
  std::vector<std::vector<size_t>> common(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string out = "\n        diff (-exp +got):";
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      out += fmt::format("\n          {}", a[i++]), ++j;
    } else if (i < a.size() && (j == b.size() || common[i + 1][j] >= common[i][j + 1])) {
      out += fmt::format("\n        - {}", a[i++]);
    } else {
      out += fmt::format("\n        + {}", b[j++]);
    }
  }
  return out;
}

// One test: its store, its engine and its rules.
class TestRun {
 public:
  TestRun(const UnitTest& test, const UnitTestFile& file, const std::vector<GroupConfig>& groups,
          const UnitTestOptions& options)
      : test_(test),
        file_(file),
        options_(options),
        engine_(Options(options.features), store_, clock_, metrics_) {
    engine_.SetDefaultSubqueryStep(file.evaluation_interval);
    for (const GroupConfig& group : groups) {
      for (const RuleConfig& config : group.rules) {
        Rule& rule = rules_.emplace_back();
        rule.config = config;
        rule.config.labels = MergeLabels(group.labels, config.labels);
        rule.limit = group.limit;
        rule.query_offset = group.query_offset.value_or(Duration{0});
        if (!config.alert.empty()) rule.alerting = std::make_unique<AlertingRule>(rule.config);
      }
    }
  }

  std::vector<std::string> Run() {
    const Timestamp end = test_.start + LastCheck();
    Debug("test \"{}\": {} rules every {} until {}", test_.name, rules_.size(),
          FormatDuration(file_.evaluation_interval), FormatDuration(LastCheck()));
    for (Timestamp ts = test_.start; ts <= end; ts = ts + file_.evaluation_interval) {
      LoadUntil(ts);
      Evaluate(ts);
      if (broken_) return std::move(failures_);
      CheckAlerts(ts);
    }
    LoadUntil(end);
    for (const UnitTest::ExprCheck& check : test_.expr_checks) CheckExpr(check);
    if (options_.debug) DumpSeries();
    return std::move(failures_);
  }

 private:
  struct Rule {
    RuleConfig config;
    int64_t limit = 0;
    Duration query_offset{0};
    std::unique_ptr<AlertingRule> alerting;
    absl::flat_hash_set<Labels, LabelsHash> produced;
  };

  static query::EngineOptions Options(const query::Features& features) {
    query::EngineOptions options;
    options.features = features;
    return options;
  }

  template <typename... Args>
  void Debug(fmt::format_string<Args...> format, Args&&... args) const {
    if (options_.debug) options_.debug(fmt::format(format, std::forward<Args>(args)...));
  }
  void DumpSeries() const {
    for (const auto& [labels, series] : store_.series()) {
      std::string line = labels.ToSetString() + " =>";
      for (size_t i = 0; i < series.times.size(); ++i) {
        SeriesValue value(series.values[i]);
        value.h = series.histograms[i];
        line += fmt::format(" {}@[{}]", IsStale(value.v) && !value.h ? "stale" : Print(value),
                            GoDuration(series.times[i] - test_.start));
      }
      Debug("{}", line);
    }
  }

  Duration LastCheck() const {
    Duration last{0};
    for (const auto& check : test_.alert_checks) last = std::max(last, check.eval_time);
    for (const auto& check : test_.expr_checks) last = std::max(last, check.eval_time);
    return last;
  }

  // Samples later than the evaluation are not there yet.
  void LoadUntil(Timestamp ts) {
    const int64_t due = (ts - test_.start) / test_.interval + 1;
    for (const UnitTest::InputSeries& series : test_.input_series) {
      const auto end = std::min(static_cast<size_t>(due), series.values.size());
      for (size_t i = loaded_; i < end; ++i) {
        if (!series.values[i]) continue;
        store_.Add(series.labels, test_.start + static_cast<int64_t>(i) * test_.interval,
                   series.values[i]->v, series.values[i]->h);
      }
    }
    loaded_ = static_cast<size_t>(due);
  }

  void Evaluate(Timestamp ts) {
    clock_.now = ts;
    for (Rule& rule : rules_) {
      const EvaluationContext context{engine_,
                                      ts,
                                      rule.query_offset,
                                      rule.limit,
                                      test_.external_labels,
                                      test_.external_url,
                                      template_metrics_};
      Debug("{} at {}: {}", rule.config.alert.empty() ? "record" : "alert",
            GoDuration(ts - test_.start), rule.config.name());
      auto samples = rule.alerting ? rule.alerting->Evaluate(context)
                                   : EvaluateRecordingRule(rule.config, context);
      if (samples.ok()) {
        Store(rule, ts - rule.query_offset, *samples);
        continue;
      }
      broken_ = true;
      failures_.push_back(fmt::format("    rule: {}, time: {}, err: {}", rule.config.name(),
                                      GoDuration(ts - test_.start), samples.error().message()));
    }
  }

  void Store(Rule& rule, Timestamp at, const std::vector<RuleSample>& samples) {
    absl::flat_hash_set<Labels, LabelsHash> produced;
    for (const RuleSample& sample : samples) {
      store_.Add(sample.labels, at, sample.value, sample.histogram);
      produced.insert(sample.labels);
    }
    for (const Labels& labels : rule.produced) {
      if (!produced.contains(labels)) store_.Add(labels, at, StaleMarker());
    }
    rule.produced = std::move(produced);
  }

  // Those whose time is nearest after this evaluation.
  void CheckAlerts(Timestamp ts) {
    const Duration since = ts - test_.start;
    for (const UnitTest::AlertCheck& check : test_.alert_checks) {
      if (check.eval_time < since || check.eval_time >= since + file_.evaluation_interval) continue;
      Alerts expected = check.alerts, got;
      for (const Rule& rule : rules_) {
        if (!rule.alerting || rule.config.alert != check.alertname) continue;
        for (const AlertEntry& entry : rule.alerting->Entries()) {
          if (entry.state != AlertState::kFiring) continue;
          got.push_back({entry.labels, entry.annotations});
        }
      }
      std::sort(expected.begin(), expected.end(), Before);
      std::sort(got.begin(), got.end(), Before);
      const bool equal = std::equal(expected.begin(), expected.end(), got.begin(), got.end(),
                                    [](const auto& a, const auto& b) {
                                      return a.labels == b.labels && a.annotations == b.annotations;
                                    });
      if (equal) continue;
      if (options_.diff) {
        failures_.push_back(fmt::format("{}    alertname: {}, time: {}, {}", NameLine(),
                                        check.alertname, FormatDuration(check.eval_time),
                                        DiffLines(Print(expected), Print(got))));
        continue;
      }
      constexpr std::string_view kIndent = "            ";
      failures_.push_back(
          fmt::format("{}    alertname: {}, time: {}, \n        exp:{}, \n        got:{}",
                      NameLine(), check.alertname, FormatDuration(check.eval_time),
                      Indent(Print(expected), kIndent), Indent(Print(got), kIndent)));
    }
  }
  std::string NameLine() const {
    return test_.name.empty() ? "" : fmt::format("    name: {},\n", test_.name);
  }

  void CheckExpr(const UnitTest::ExprCheck& check) {
    const std::string where =
        fmt::format("    expr: {}, time: {},", Quoted(check.expr), FormatDuration(check.eval_time));
    auto vector = EvaluateExpression(engine_, check.expr, test_.start + check.eval_time);
    if (!vector.ok()) {
      failures_.push_back(where + " err: " + vector.error().message());
      return;
    }
    Samples expected = check.samples, got;
    for (const query::VectorElement& element : *vector) {
      SeriesValue value(element.v);
      value.h = element.h;
      got.emplace_back(element.labels, std::move(value));
    }
    const auto by_labels = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::stable_sort(expected.begin(), expected.end(), by_labels);
    std::stable_sort(got.begin(), got.end(), by_labels);
    if (EqualSamples(expected, got, file_.fuzzy_compare)) return;
    if (options_.diff) {
      failures_.push_back(where + DiffLines(Print(expected, "\n"), Print(got, "\n")));
      return;
    }
    failures_.push_back(where + "\n        exp: " + Print(expected) +
                        "\n        got: " + Print(got));
  }

  const UnitTest& test_;
  const UnitTestFile& file_;
  const UnitTestOptions& options_;
  UnitTestStore store_;
  StandingClock clock_;
  MetricRegistry metrics_;
  const TemplateMetrics template_metrics_;
  query::Engine engine_;
  std::vector<Rule> rules_;
  size_t loaded_ = 0;  // values of each series
  bool broken_ = false;
  std::vector<std::string> failures_;
};

Result<std::vector<GroupConfig>> LoadGroups(const UnitTestFile& file, const std::string& path,
                                            const FileSystem& files, const UnitTestOptions& options,
                                            ConfigWarnings& warnings) {
  std::vector<GroupConfig> groups;
  std::set<std::string> seen;
  for (const std::string& pattern : file.rule_files) {
    const std::vector<std::string> found = files.Glob(ResolvePath(path, pattern));
    if (found.empty()) warnings.push_back("no file match pattern " + pattern);
    for (const std::string& name : found) {
      if (!seen.insert(name).second) continue;
      TOCSIN_ASSIGN(const std::string text, files.ReadFile(name));
      TOCSIN_ASSIGN(auto parsed,
                    ParseRuleFile(text, name, options.features, warnings, options.ignore_unknown));
      std::move(parsed.begin(), parsed.end(), std::back_inserter(groups));
    }
  }
  // Groups that are not named come first.
  const auto place = [&](const GroupConfig& group) {
    const auto& order = file.group_eval_order;
    const auto it = std::find(order.begin(), order.end(), group.name);
    return it == order.end() ? 0 : it - order.begin() + 1;
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const GroupConfig& a, const GroupConfig& b) { return place(a) < place(b); });
  return groups;
}

}  // namespace

Result<std::vector<UnitTestResult>> RunUnitTests(std::string_view text, const std::string& file,
                                                 const FileSystem& files,
                                                 const UnitTestOptions& options,
                                                 ConfigWarnings& warnings) {
  TOCSIN_ASSIGN(const UnitTestFile parsed,
                ParseUnitTestFile(text, file, options.ignore_unknown, warnings));
  TOCSIN_ASSIGN(const std::vector<GroupConfig> groups,
                LoadGroups(parsed, file, files, options, warnings));
  std::vector<UnitTestResult> results;
  for (const UnitTest& test : parsed.tests) {
    if (options.wanted && !options.wanted(test.name)) continue;
    results.push_back({test.name, TestRun(test, parsed, groups, options).Run()});
  }
  return results;
}

}  // namespace tocsin::rules
