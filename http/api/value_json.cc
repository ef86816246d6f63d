#include "http/api/value_json.h"

#include <cmath>
#include <limits>

#include "http/api/response.h"
#include "storage/base/number.h"

namespace tocsin::http {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Which ends of a bucket belong to it, as the API numbers it.
enum class Boundary { kUpper = 0, kLower = 1, kBoth = 3 };

struct BucketList {
  std::string& out;
  bool first = true;

  void Add(Boundary boundary, double lower, double upper, double count) {
    if (count == 0) return;
    out += first ? ",\"buckets\":[[" : ",[";
    first = false;
    out += static_cast<char>('0' + static_cast<int>(boundary));
    for (const double v : {lower, upper, count}) {
      out += ",\"";
      AppendApiFloat(out, v);
      out += '"';
    }
    out += ']';
  }
};

// Upper bound of bucket `index` of an exponential histogram: 2^(index * 2^-schema).
double ExponentialBound(int32_t index, int32_t schema) {
  if (schema <= 0) return std::ldexp(1.0, index * (1 << -schema));
  const int32_t per_power = 1 << schema;
  const int32_t fraction = index & (per_power - 1);
  return std::ldexp(std::exp2(static_cast<double>(fraction) / per_power), index >> schema);
}

double UpperBound(const Histogram& h, int32_t index) {
  if (h.schema != kCustomBucketsSchema) return ExponentialBound(index, h.schema);
  const auto size = static_cast<int32_t>(h.custom_values.size());
  return index < size ? h.custom_values[static_cast<size_t>(index)] : kInf;
}

double LowerBound(const Histogram& h, int32_t index) {
  if (h.schema != kCustomBucketsSchema) return ExponentialBound(index - 1, h.schema);
  return index == 0 ? -kInf : h.custom_values[static_cast<size_t>(index - 1)];
}

struct Bucket {
  int32_t index;
  double count;
};

std::vector<Bucket> Expand(const std::vector<Histogram::Span>& spans,
                           const std::vector<double>& counts) {
  std::vector<Bucket> buckets;
  buckets.reserve(counts.size());
  int32_t index = 0;
  size_t next = 0;
  for (const Histogram::Span& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < counts.size(); ++i) {
      buckets.push_back({index++, counts[next++]});
    }
  }
  return buckets;
}

void AppendPoint(std::string& out, Timestamp t, double v) {
  out += '[';
  AppendApiTimestamp(out, t.ms);
  out += ",\"";
  AppendApiFloat(out, v);
  out += "\"]";
}

void AppendHistogramPoint(std::string& out, Timestamp t, const Histogram& h) {
  out += '[';
  AppendApiTimestamp(out, t.ms);
  out += ',';
  AppendHistogram(out, h);
  out += ']';
}

void AppendVector(std::string& out, const query::Vector& vector) {
  out += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    const query::VectorElement& element = vector[i];
    out += i == 0 ? "{\"metric\":" : ",{\"metric\":";
    AppendLabels(out, element.labels);
    if (element.h) {
      out += ",\"histogram\":";
      AppendHistogramPoint(out, element.t, *element.h);
    } else {
      out += ",\"value\":";
      AppendPoint(out, element.t, element.v);
    }
    out += '}';
  }
  out += ']';
}

// The series of a range query share the times of its steps: each is written once and then copied.
class TimeTexts {
 public:
  // Before the points of a series; their times ascend.
  void Rewind() { next_ = 0; }

  void Append(std::string& out, Timestamp t) {
    while (next_ < texts_.size() && texts_[next_].t < t) ++next_;
    if (next_ == texts_.size() && next_ < kMaxTexts) texts_.push_back(Make(t));
    if (next_ < texts_.size() && texts_[next_].t == t) {
      out.append(texts_[next_].text, texts_[next_].size);
    } else {
      AppendApiTimestamp(out, t.ms);
    }
  }

 private:
  static constexpr size_t kMaxTexts = 11'001;  // what a range query may have
  struct Text {
    Timestamp t;
    uint32_t size;
    char text[28];
  };

  static Text Make(Timestamp t) {
    std::string text;
    AppendApiTimestamp(text, t.ms);
    Text made{t, static_cast<uint32_t>(text.size()), {}};
    text.copy(made.text, sizeof(made.text));
    return made;
  }

  std::vector<Text> texts_;  // ascending
  size_t next_ = 0;
};

void AppendFloats(std::string& out, const std::vector<Sample>& floats, TimeTexts& times) {
  times.Rewind();
  out += ",\"values\":";
  char separator = '[';
  for (const Sample& sample : floats) {
    out += separator;
    separator = ',';
    out += '[';
    times.Append(out, sample.t);
    out += ",\"";
    AppendApiFloat(out, sample.v);
    out += "\"]";
  }
  out += ']';
}

void AppendSeries(std::string& out, const query::Series& series, TimeTexts& times) {
  out += "{\"metric\":";
  AppendLabels(out, series.labels);
  if (!series.floats.empty()) AppendFloats(out, series.floats, times);
  if (!series.histograms.empty()) {
    out += ",\"histograms\":[";
    for (size_t i = 0; i < series.histograms.size(); ++i) {
      if (i > 0) out += ',';
      AppendHistogramPoint(out, series.histograms[i].t, *series.histograms[i].h);
    }
    out += ']';
  }
  out += '}';
}

// A guess that spares most copies of a growing answer.
size_t GuessBytes(const query::Matrix& matrix) {
  constexpr size_t kPerPoint = 26;
  constexpr size_t kPerSeries = 64;
  size_t bytes = 0;
  for (const query::Series& series : matrix) {
    bytes += kPerSeries + series.labels.packed().size() + kPerPoint * series.floats.size();
  }
  return bytes;
}

void AppendMatrix(std::string& out, const query::Matrix& matrix) {
  out.reserve(out.size() + GuessBytes(matrix));
  TimeTexts times;
  out += '[';
  for (size_t i = 0; i < matrix.size(); ++i) {
    if (i > 0) out += ',';
    AppendSeries(out, matrix[i], times);
  }
  out += ']';
}

}  // namespace

void AppendHistogram(std::string& out, const Histogram& h) {
  out += "{\"count\":\"";
  AppendApiFloat(out, h.count);
  out += "\",\"sum\":\"";
  AppendApiFloat(out, h.sum);
  out += '"';
  BucketList list{out};
  const auto negative = Expand(h.negative_spans, h.negative_buckets);
  for (size_t i = negative.size(); i-- > 0;) {
    const auto [index, count] = negative[i];
    list.Add(Boundary::kLower, -UpperBound(h, index), -LowerBound(h, index), count);
  }
  // A difference may leave less than nothing around zero: Prometheus does not show that.
  if (h.zero_count > 0) {
    list.Add(Boundary::kBoth, -h.zero_threshold, h.zero_threshold, h.zero_count);
  }
  for (const auto& [index, count] : Expand(h.positive_spans, h.positive_buckets)) {
    const double lower = LowerBound(h, index);
    list.Add(lower == -kInf ? Boundary::kBoth : Boundary::kUpper, lower, UpperBound(h, index),
             count);
  }
  out += list.first ? "}" : "]}";
}

void AppendResult(std::string& out, const query::Value& value) {
  if (const auto* scalar = std::get_if<query::Scalar>(&value.v)) {
    AppendPoint(out, scalar->t, scalar->v);
  } else if (const auto* text = std::get_if<query::String>(&value.v)) {
    out += '[';
    AppendApiTimestamp(out, text->t.ms);
    out += ',';
    AppendJsonString(out, text->v);
    out += ']';
  } else if (const auto* vector = std::get_if<query::Vector>(&value.v)) {
    AppendVector(out, *vector);
  } else {
    AppendMatrix(out, std::get<query::Matrix>(value.v));
  }
}

void AppendExemplars(std::string& out, std::span<const SeriesExemplars> all) {
  out += '[';
  for (const SeriesExemplars& one : all) {
    out += &one == all.data() ? "{\"seriesLabels\":" : ",{\"seriesLabels\":";
    AppendLabels(out, one.series);
    out += ",\"exemplars\":[";
    for (const Exemplar& exemplar : one.exemplars) {
      out += &exemplar == one.exemplars.data() ? "{\"labels\":" : ",{\"labels\":";
      AppendLabels(out, exemplar.labels);
      out += ",\"value\":\"";
      AppendApiFloat(out, exemplar.value);
      out += "\",\"timestamp\":";
      AppendApiTimestamp(out, exemplar.t.ms);
      out += '}';
    }
    out += "]}";
  }
  out += ']';
}

}  // namespace tocsin::http
