// Runs test scripts against an engine over an in-memory store.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "query/engine.h"
#include "storage/model/regex.h"
#include "tests/query/script.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::query::testing {

// Relative tolerance of the format.
inline bool AlmostEqual(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b), difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < 2.2250738585072014e-308) return difference < 1e-6 * 2.3e-308;
  return difference / std::min(sum, 1.7976931348623157e308) < 1e-6;
}

class ScriptRunner {
 public:
  explicit ScriptRunner(const Features& features) {
    EngineOptions options;
    options.features = features;
    engine_.emplace(options, store_, clock_, metrics_);
  }

  struct Tally {
    int passed = 0;
    std::vector<std::string> failures;  // "file:line: expr: what"
  };

  Tally RunFile(const std::string& path) {
    return Run(std::filesystem::path(path).filename().string(), ScriptParser::ParseFile(path));
  }

  Tally Run(const std::string& name, const std::vector<ScriptCommand>& commands) {
    Tally tally;
    store_.Clear();
    for (const ScriptCommand& command : commands) {
      if (command.kind == ScriptCommand::Kind::kClear) store_.Clear();
      if (command.kind == ScriptCommand::Kind::kLoad) Load(command);
      if (command.kind != ScriptCommand::Kind::kEval) continue;
      const std::string problem = Check(command);
      if (problem.empty()) {
        ++tally.passed;
      } else {
        tally.failures.push_back(name + ":" + std::to_string(command.line) + ": " + command.expr +
                                 ": " + problem);
      }
    }
    store_.Clear();
    return tally;
  }

 private:
  void Load(const ScriptCommand& command) {
    LoadSeries(command, command.series);
    if (command.with_nhcb) LoadSeries(command, CustomBucketSeries(command.series));
    store_.ChangeHistograms(&StoredHint);
  }

  // What a store keeps of a hint: a sample that goes on where the one before ended is known not to
  // be a reset; of any other counter nothing is known.
  static void StoredHint(const Histogram* previous, Histogram& h) {
    if (h.reset_hint == CounterResetHint::kGauge) return;
    const bool explicit_reset = h.reset_hint == CounterResetHint::kReset;
    h.reset_hint = CounterResetHint::kUnknown;
    if (previous == nullptr || explicit_reset || IsStale(previous->sum) || IsStale(h.sum) ||
        previous->reset_hint == CounterResetHint::kGauge || previous->schema != h.schema ||
        previous->zero_threshold != h.zero_threshold ||
        previous->custom_values != h.custom_values || DetectReset(h, *previous)) {
      return;
    }
    h.reset_hint = CounterResetHint::kNotReset;
  }

  void LoadSeries(const ScriptCommand& command, const std::vector<ScriptSeries>& all) {
    for (const ScriptSeries& series : all) {
      for (size_t i = 0; i < series.values.size(); ++i) {
        if (!series.values[i]) continue;
        const int64_t t = static_cast<int64_t>(i) * command.step_ms;
        if (series.values[i]->h) {
          store_.Add(series.labels, t, *series.values[i]->h);
        } else {
          store_.Add(series.labels, t, series.values[i]->v);
        }
      }
    }
  }

  // What is wrong, or "". An instant query is also asked as a range query around its time.
  std::string Check(const ScriptCommand& command) {
    auto result = command.range
                      ? engine_->Range(command.expr, Timestamp{command.start_ms},
                                       Timestamp{command.end_ms}, Duration{command.step_ms})
                      : engine_->Instant(command.expr, Timestamp{command.start_ms});
    std::string problem = CheckResult(command, result);
    if (!problem.empty() || command.range || command.has_matrix_grid || command.string ||
        command.Expects("ordered") || !result.ok()) {
      return problem;
    }
    if (result->value.type() == ValueType::kMatrix) return "";
    if (command.expr.find("range()") != command.expr.npos ||
        command.expr.find("step()") != command.expr.npos ||
        command.expr.find("start()") != command.expr.npos ||
        command.expr.find("end()") != command.expr.npos) {
      return "";
    }
    return CheckAsRange(command);
  }

  std::string CheckAsRange(const ScriptCommand& command) {
    auto result = engine_->Range(command.expr, Timestamp{command.start_ms - 60'000},
                                 Timestamp{command.start_ms + 60'000}, Duration{60'000});
    if (!result.ok()) {
      // Other steps may fail where this one does not.
      return result.error().code() == ErrorCode::kExecution
                 ? ""
                 : "as range: " + result.error().message();
    }
    Vector vector;
    for (const Series& series : std::get<Matrix>(result->value.v)) {
      for (const Sample& s : series.floats) {
        if (s.t.ms == command.start_ms) vector.push_back({series.labels, s.t, s.v, nullptr});
      }
      for (const HistogramSample& s : series.histograms) {
        if (s.t.ms == command.start_ms) vector.push_back({series.labels, s.t, 0, s.h});
      }
    }
    if (command.scalar) {
      return vector.size() == 1 && AlmostEqual(vector[0].v, *command.scalar) ? ""
                                                                             : "as range: scalar";
    }
    const std::string problem = CompareVector(command, vector);
    return problem.empty() ? "" : "as range: " + problem;
  }

  std::string CheckResult(const ScriptCommand& command, const Result<QueryResult>& result) {
    if (command.Expects("fail")) {
      if (result.ok()) return "should fail";
      for (const Expectation& e : command.expectations) {
        if (e.kind == "fail" && !Fits(e, result.error().message())) {
          return "error differs: " + result.error().message();
        }
      }
      return "";
    }
    if (!result.ok()) return "error: " + result.error().message();
    std::string problem = CheckAnnotations(command, *result);
    if (!problem.empty()) return problem;
    const Value& value = result->value;
    if (command.string) {
      const auto* s = std::get_if<String>(&value.v);
      return s != nullptr && s->v == *command.string ? "" : "string differs";
    }
    if (const auto* s = std::get_if<Scalar>(&value.v)) {
      if (!command.scalar) return "unexpected scalar";
      return AlmostEqual(s->v, *command.scalar) ? "" : "got " + FormatGoFloat(s->v);
    }
    if (const auto* vector = std::get_if<Vector>(&value.v)) return CompareVector(command, *vector);
    return CompareMatrix(command, std::get<Matrix>(value.v));
  }

  static bool Fits(const Expectation& e, const std::string& text) {
    if (e.text.empty()) return true;
    if (e.regex) {
      auto regex = Regex::Compile(e.text, Regex::Anchor::kNone);
      return regex.ok() && regex->Matches(text);
    }
    if (text == e.text) return true;
    // A message may leave the position out.
    const size_t paren = text.rfind(" (");
    return paren != text.npos && text.substr(0, paren) == e.text;
  }

  static std::string CheckAnnotations(const ScriptCommand& command, const QueryResult& result) {
    for (const Expectation& e : command.expectations) {
      const bool warn = e.kind == "warn" || e.kind == "no_warn";
      if (!warn && e.kind != "info" && e.kind != "no_info") continue;
      const auto& texts = warn ? result.warnings : result.infos;
      if (e.kind[0] == 'n') {
        if (!texts.empty()) return "unexpected annotation: " + texts[0];
        continue;
      }
      if (std::none_of(texts.begin(), texts.end(),
                       [&](const std::string& t) { return Fits(e, t); })) {
        return "missing " + e.kind + ": " + e.text + (texts.empty() ? "" : "; has " + texts[0]);
      }
    }
    return "";
  }

  static std::string CompareSample(const ScriptValue& expected, double v, const HistogramPtr& h) {
    if (expected.h.has_value() != (h != nullptr)) return "float and histogram confused";
    if (h == nullptr) {
      return AlmostEqual(expected.v, v)
                 ? ""
                 : "expected " + FormatGoFloat(expected.v) + ", got " + FormatGoFloat(v);
    }
    return CompareHistogram(*expected.h, *h, expected.hint_written);
  }

  // Bucket index to count, empty ones left out.
  static std::map<int64_t, double> Buckets(const std::vector<Histogram::Span>& spans,
                                           const std::vector<double>& counts) {
    std::map<int64_t, double> buckets;
    int64_t index = 0;
    size_t next = 0;
    for (const auto& span : spans) {
      index += span.offset;
      for (uint32_t i = 0; i < span.length; ++i, ++index, ++next) {
        if (counts[next] != 0) buckets[index] = counts[next];
      }
    }
    return buckets;
  }
  static bool SameBuckets(const std::map<int64_t, double>& a, const std::map<int64_t, double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      return x.first == y.first && AlmostEqual(x.second, y.second);
    });
  }
  static std::string CompareHistogram(const Histogram& a, const Histogram& b, bool hint) {
    if (a.schema != b.schema) return "schema differs: " + std::to_string(b.schema);
    if (!AlmostEqual(a.count, b.count)) return "count is " + FormatGoFloat(b.count);
    if (!AlmostEqual(a.sum, b.sum)) return "sum is " + FormatGoFloat(b.sum);
    if (!AlmostEqual(a.zero_count, b.zero_count)) {
      return "zero count is " + FormatGoFloat(b.zero_count);
    }
    if (!AlmostEqual(a.zero_threshold, b.zero_threshold)) {
      return "zero threshold is " + FormatGoFloat(b.zero_threshold);
    }
    if (hint && a.reset_hint != b.reset_hint) {
      return "reset hint is " + std::to_string(static_cast<int>(b.reset_hint));
    }
    if (!std::equal(a.custom_values.begin(), a.custom_values.end(), b.custom_values.begin(),
                    b.custom_values.end(), AlmostEqual)) {
      return "custom values differ";
    }
    if (!SameBuckets(Buckets(a.positive_spans, a.positive_buckets),
                     Buckets(b.positive_spans, b.positive_buckets))) {
      return "positive buckets differ";
    }
    return SameBuckets(Buckets(a.negative_spans, a.negative_buckets),
                       Buckets(b.negative_spans, b.negative_buckets))
               ? ""
               : "negative buckets differ";
  }

  static std::string CompareVector(const ScriptCommand& command, const Vector& vector) {
    if (command.scalar) return "expected a scalar, got a vector";
    if (vector.size() != command.series.size()) {
      std::string text = "expected " + std::to_string(command.series.size()) + " elements, got " +
                         std::to_string(vector.size());
      for (size_t i = 0; i < vector.size() && i < 4; ++i) {
        text += " " + vector[i].labels.ToString() + "=" + FormatGoFloat(vector[i].v);
      }
      return text;
    }
    for (size_t i = 0; i < vector.size(); ++i) {
      const auto it = std::find_if(command.series.begin(), command.series.end(),
                                   [&](const auto& s) { return s.labels == vector[i].labels; });
      if (it == command.series.end()) return "unexpected " + vector[i].labels.ToString();
      if (command.Expects("ordered") && it - command.series.begin() != static_cast<int>(i)) {
        return "order differs at " + vector[i].labels.ToString();
      }
      if (it->values.empty() || !it->values[0]) return "script lacks a value";
      const std::string problem = CompareSample(*it->values[0], vector[i].v, vector[i].h);
      if (!problem.empty()) return vector[i].labels.ToString() + ": " + problem;
    }
    return "";
  }

  static std::string CompareMatrix(const ScriptCommand& command, const Matrix& matrix) {
    const int64_t start = command.has_matrix_grid ? command.matrix_start_ms : command.start_ms;
    const int64_t step = command.has_matrix_grid ? command.matrix_step_ms : command.step_ms;
    if (matrix.size() != command.series.size()) {
      return "expected " + std::to_string(command.series.size()) + " series, got " +
             std::to_string(matrix.size()) +
             (matrix.empty() ? "" : " " + matrix[0].labels.ToString());
    }
    for (const Series& series : matrix) {
      const auto it = std::find_if(command.series.begin(), command.series.end(),
                                   [&](const auto& s) { return s.labels == series.labels; });
      if (it == command.series.end()) return "unexpected " + series.labels.ToString();
      const std::string problem = ComparePoints(*it, series, start, step);
      if (!problem.empty()) return series.labels.ToString() + ": " + problem;
    }
    return "";
  }

  static std::string ComparePoints(const ScriptSeries& expected, const Series& series,
                                   int64_t start, int64_t step) {
    size_t floats = 0, histograms = 0;
    for (size_t i = 0; i < expected.values.size(); ++i) {
      if (!expected.values[i]) continue;
      const int64_t t = start + static_cast<int64_t>(i) * step;
      std::string problem = "missing";
      if (floats < series.floats.size() && series.floats[floats].t.ms == t) {
        problem = CompareSample(*expected.values[i], series.floats[floats++].v, nullptr);
      } else if (histograms < series.histograms.size() && series.histograms[histograms].t.ms == t) {
        problem = CompareSample(*expected.values[i], 0, series.histograms[histograms++].h);
      }
      if (!problem.empty()) return "at " + std::to_string(t) + ": " + problem;
    }
    const bool all = floats == series.floats.size() && histograms == series.histograms.size();
    return all ? "" : "more points than expected";
  }

  tocsin::testing::MemoryQueryable store_;
  tocsin::testing::ManualScheduler clock_;
  MetricRegistry metrics_;
  std::optional<Engine> engine_;
};

}  // namespace tocsin::query::testing
