// {{schema:0 count:4 ...}} of test scripts. Included by script.h.
#pragma once

#include <limits>

#include "query/histogram/arithmetic.h"
#include "tests/query/script.h"

namespace tocsin::query::testing {

inline ScriptValue ScriptParser::OneHistogram(std::string_view body) {
  ScriptValue value;
  Histogram h;
  int32_t offset = 0, negative_offset = 0;
  auto list = [&](std::string_view text) {
    std::vector<double> numbers;
    text = text.substr(1, text.size() - 2);
    for (text = Trim(text); !text.empty();) numbers.push_back(Number(Word(&text)));
    return numbers;
  };
  for (body = Trim(body); !body.empty(); body = Trim(body)) {
    const size_t colon = body.find(':');
    if (colon == body.npos) Fail("bad histogram");
    const std::string_view key = body.substr(0, colon);
    body.remove_prefix(colon + 1);
    std::string_view text;
    if (!body.empty() && body[0] == '[') {
      text = body.substr(0, body.find(']') + 1);
      body.remove_prefix(text.size());
    } else {
      text = Word(&body);
    }
    if (key == "schema") h.schema = Count(text);
    if (key == "count") h.count = Number(text);
    if (key == "sum") h.sum = Number(text);
    if (key == "z_bucket") h.zero_count = Number(text);
    if (key == "z_bucket_w") h.zero_threshold = Number(text);
    if (key == "offset") offset = Count(text);
    if (key == "n_offset") negative_offset = Count(text);
    if (key == "buckets") h.positive_buckets = list(text);
    if (key == "n_buckets") h.negative_buckets = list(text);
    if (key == "custom_values") h.custom_values = list(text);
    if (key == "counter_reset_hint") {
      value.hint_written = true;
      if (text == "reset") h.reset_hint = CounterResetHint::kReset;
      if (text == "not_reset") h.reset_hint = CounterResetHint::kNotReset;
      if (text == "gauge") h.reset_hint = CounterResetHint::kGauge;
    }
  }
  if (!h.positive_buckets.empty()) {
    h.positive_spans = {{offset, static_cast<uint32_t>(h.positive_buckets.size())}};
  }
  if (!h.negative_buckets.empty()) {
    h.negative_spans = {{negative_offset, static_cast<uint32_t>(h.negative_buckets.size())}};
  }
  value.h = std::move(h);
  return value;
}

// {{..}}, {{..}}xN, {{a}}+{{b}}xN, {{a}}-{{b}}xN.
inline void ScriptParser::HistogramItem(std::string_view* text, ScriptValues* values) {
  auto take = [&] {
    const size_t end = text->find("}}");
    if (end == text->npos) Fail("unterminated histogram");
    ScriptValue value = OneHistogram(text->substr(2, end - 2));
    text->remove_prefix(end + 2);
    return value;
  };
  ScriptValue value = take();
  std::optional<ScriptValue> step;
  bool subtract = false;
  if (!text->empty() && ((*text)[0] == '+' || (*text)[0] == '-')) {
    subtract = (*text)[0] == '-';
    text->remove_prefix(1);
    step = take();
    value.hint_written = step->hint_written;
  }
  int repeat = 0;
  if (!text->empty() && (*text)[0] == 'x') {
    const std::string_view times = Word(text);
    repeat = Count(times.substr(1));
  }
  values->push_back(value);
  for (int i = 0; i < repeat; ++i) {
    if (step) {
      FlatHistogram sum(*value.h);
      const FlatHistogram other(*step->h);
      if (subtract) {
        SubtractHistogram(&sum, other);
      } else {
        AddHistogram(&sum, other, Rounding::kPlain);
      }
      sum.hint = step->h->reset_hint;
      value.h = sum.ToHistogram();
    }
    values->push_back(value);
  }
}

// What load_with_nhcb adds: per label set without le a histogram with custom buckets, made of the
// classic series of the load.
inline std::vector<ScriptSeries> CustomBucketSeries(const std::vector<ScriptSeries>& loaded) {
  struct Point {
    std::map<double, double> buckets;
    std::optional<double> count, sum;
  };
  std::map<Labels, std::map<size_t, Point>> histograms;
  for (const ScriptSeries& series : loaded) {
    const std::string name(series.labels.name());
    std::string base;
    for (std::string_view suffix : {"_bucket", "_count", "_sum"}) {
      if (name.ends_with(suffix)) base = name.substr(0, name.size() - suffix.size());
    }
    const auto le = ParseFloat(series.labels.Get(kBucketLabel));
    if (base.empty() || (name.ends_with("_bucket") && !le)) continue;
    LabelsBuilder builder(series.labels);
    builder.Del(kBucketLabel).Set(kMetricName, base);
    const Labels key = builder.Build();
    for (size_t i = 0; i < series.values.size(); ++i) {
      if (!series.values[i] || series.values[i]->h) continue;
      Point& point = histograms[key][i];
      const double v = series.values[i]->v;
      if (name.ends_with("_bucket")) point.buckets.emplace(*le, v);
      if (name.ends_with("_count")) point.count = v;
      if (name.ends_with("_sum")) point.sum = v;
    }
  }
  std::vector<ScriptSeries> made;
  for (auto& [labels, points] : histograms) {
    ScriptSeries series{labels, {}};
    for (auto& [i, point] : points) {
      if (point.buckets.empty()) continue;
      const double inf = std::numeric_limits<double>::infinity();
      if (!point.buckets.contains(inf)) {
        point.buckets[inf] = point.count.value_or(point.buckets.rbegin()->second);
      }
      Histogram h;
      h.schema = kCustomBucketsSchema;
      h.sum = point.sum.value_or(0);
      h.count = point.buckets.rbegin()->second;
      double below = 0;
      for (const auto& [bound, count] : point.buckets) {
        if (bound != inf) h.custom_values.push_back(bound);
        h.positive_buckets.push_back(count - below);
        below = count;
      }
      h.positive_spans = {{0, static_cast<uint32_t>(h.positive_buckets.size())}};
      FlatHistogram flat(h);
      flat.Compact();
      series.values.resize(i + 1);
      series.values[i] = ScriptValue{0, flat.ToHistogram(), false};
    }
    made.push_back(std::move(series));
  }
  return made;
}

}  // namespace tocsin::query::testing
