#include "ingest/exposition/openmetrics_parser.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "ingest/exposition/scan.h"
#include "storage/base/number.h"

namespace tocsin::ingest {
namespace {

using scan::Is;

// Milliseconds must fit and mean something.
bool IsTimestamp(double seconds) { return std::isfinite(seconds) && std::abs(seconds) < 9.2e15; }

bool IsUnitOf(std::string_view unit, std::string_view family) {
  return unit.empty() || (family.size() > unit.size() + 1 && family.ends_with(unit) &&
                          family[family.size() - unit.size() - 1] == '_');
}

}  // namespace

ExpositionEntry OpenMetricsParser::Next(std::string_view expected) {
  if (!status_.ok()) return ExpositionEntry::kError;
  if (ended_) return ExpositionEntry::kEnd;
  line_ = p_;
  if (p_ == end_) return Fail(InvalidArgument("data does not end with # EOF"));
  return *p_ == '#' ? Comment() : Sample(expected);
}

ExpositionEntry OpenMetricsParser::Sample(std::string_view expected) {
  const size_t size = expected.size();
  matched_ = size != 0 && static_cast<size_t>(end_ - p_) > size &&
             std::memcmp(p_, expected.data(), size) == 0 && p_[size] == ' ';
  if (matched_) {
    sample_.series = {p_, size};
    p_ += size;
    return AfterSeries();
  }
  scan::SeriesError error;
  const char* series_end = scan::SkipSeries(p_, end_, false, &error);
  if (series_end == nullptr)
    return Fail(scan::UnexpectedText(body_, line_, error.at, error.expected));
  sample_.series = {p_, static_cast<size_t>(series_end - p_)};
  p_ = series_end;
  return AfterSeries();
}

ExpositionEntry OpenMetricsParser::AfterSeries() {
  if (auto status = Number("expected value after metric", &sample_.value); !status.ok())
    return Fail(status.error());
  sample_.has_timestamp = false;
  sample_.exemplar = {};
  if (end_ - p_ >= 2 && *p_ == ' ' && p_[1] != '#') {
    double seconds = 0;
    if (auto status = Number("expected timestamp", &seconds); !status.ok())
      return Fail(status.error());
    if (!IsTimestamp(seconds))
      return Fail(scan::BadLine(body_, line_, p_, fmt::format("invalid timestamp {}", seconds)));
    sample_.timestamp_ms = static_cast<int64_t>(seconds * 1000);
    sample_.has_timestamp = true;
  }
  if (p_ != end_ && *p_ == ' ') {
    if (auto status = Exemplar(); !status.ok()) return Fail(status.error());
  }
  if (p_ == end_ || *p_ != '\n')
    return Fail(scan::UnexpectedText(body_, line_, p_, "expected next entry after timestamp"));
  ++p_;
  return ExpositionEntry::kSample;
}

Status OpenMetricsParser::Exemplar() {
  const std::string_view rest(p_, static_cast<size_t>(end_ - p_));
  if (!rest.starts_with(" # {"))
    return scan::UnexpectedText(body_, line_, p_, "expected exemplar or new record");
  p_ += 3;
  const char* labels = p_;
  for (const char* label = p_ + 1;;) {
    if (label != end_ && *label == '}') {
      p_ = label + 1;
      sample_.exemplar.labels = {labels, static_cast<size_t>(p_ - labels)};
      break;
    }
    const char* name = label;
    while (label != end_ && Is(*label, scan::kLabel)) ++label;
    if (label == name && label != end_ && *label == '"')
      label = scan::SkipQuoted(label, end_, false);
    if (label == nullptr || label == name)
      return scan::UnexpectedText(body_, line_, name, "expected label name in exemplar");
    if (end_ - label < 2 || label[0] != '=' || label[1] != '"')
      return scan::UnexpectedText(body_, line_, label, "expected label value in exemplar");
    const char* value = label + 1;
    label = scan::SkipQuoted(value, end_, false);
    if (label == nullptr)
      return scan::UnexpectedText(body_, line_, value, "expected label value in exemplar");
    if (label != end_ && *label == ',') {
      ++label;
    } else if (label == end_ || *label != '}') {
      return scan::UnexpectedText(body_, line_, label, "expected comma or brace close in exemplar");
    }
  }
  TOCSIN_RETURN_IF_ERROR(Number("expected value after exemplar labels", &sample_.exemplar.value));
  if (p_ != end_ && *p_ == ' ') {
    double number = 0;
    TOCSIN_RETURN_IF_ERROR(Number("expected exemplar timestamp", &number));
    if (!IsTimestamp(number)) {
      return scan::BadLine(body_, line_, p_, fmt::format("invalid exemplar timestamp {}", number));
    }
    sample_.exemplar.timestamp_ms = static_cast<int64_t>(number * 1000);
    sample_.exemplar.has_timestamp = true;
  }
  return OkStatus();
}

Status OpenMetricsParser::Number(const char* what, double* out) {
  if (p_ == end_ || *p_ != ' ') return scan::UnexpectedText(body_, line_, p_, what);
  const char* start = p_ + 1;
  const char* stop = start;
  while (stop != end_ && *stop != ' ' && *stop != '\n') ++stop;
  if (stop == start) return scan::UnexpectedText(body_, line_, start, what);
  p_ = stop;
  const std::string_view text(start, static_cast<size_t>(stop - start));
  const auto value = ParseFloat(text);
  if (!value) {
    return scan::BadLine(
        body_, line_, p_,
        fmt::format("strconv.ParseFloat: parsing {}: invalid syntax", scan::Quote(text)));
  }
  *out = *value;
  return OkStatus();
}

ExpositionEntry OpenMetricsParser::Comment() {
  const char* line_end = scan::LineEnd(p_, end_);
  const std::string_view line(p_, static_cast<size_t>(line_end - p_));
  if (line == "# EOF") {
    const char* after = line_end == end_ ? end_ : line_end + 1;
    if (after != end_) return Fail(InvalidArgument("unexpected data after # EOF"));
    ended_ = true;
    p_ = end_;
    return ExpositionEntry::kEnd;
  }
  if (line_end == end_) return Fail(InvalidArgument("data does not end with # EOF"));
  p_ = line_end + 1;
  if (line.starts_with("# TYPE ")) return Meta(ExpositionEntry::kType, line_ + 7, line_end);
  if (line.starts_with("# HELP ")) return Meta(ExpositionEntry::kHelp, line_ + 7, line_end);
  if (line.starts_with("# UNIT ")) return Meta(ExpositionEntry::kUnit, line_ + 7, line_end);
  return Fail(scan::UnexpectedText(body_, line_, line_, "expected TYPE, HELP, UNIT or EOF"));
}

ExpositionEntry OpenMetricsParser::Meta(ExpositionEntry kind, const char* name,
                                        const char* line_end) {
  const char* name_end = name;
  const bool quoted = name != line_end && *name == '"';
  if (quoted) {
    name_end = scan::SkipQuoted(name, line_end, false);
  } else if (name != line_end && Is(*name, scan::kNameStart)) {
    while (name_end != line_end && Is(*name_end, scan::kName)) ++name_end;
  }
  if (name_end == nullptr || name_end == name)
    return Fail(scan::UnexpectedText(body_, line_, name, "expected metric name after keyword"));
  if (name_end == line_end || *name_end != ' ')
    return Fail(scan::UnexpectedText(body_, line_, name_end, "expected text after metric name"));
  meta_.line = {line_, static_cast<size_t>(line_end - line_)};
  meta_.family = quoted ? std::string_view(name + 1, static_cast<size_t>(name_end - name - 2))
                        : std::string_view(name, static_cast<size_t>(name_end - name));
  meta_.text = {name_end + 1, static_cast<size_t>(line_end - name_end - 1)};
  if (kind == ExpositionEntry::kType && !ParseMetricType(meta_.text, true, &meta_.type)) {
    return Fail(
        scan::BadLine(body_, line_, line_end, "invalid metric type " + scan::Quote(meta_.text)));
  }
  if (kind == ExpositionEntry::kUnit && !IsUnitOf(meta_.text, meta_.family)) {
    return Fail(scan::BadLine(body_, line_, line_end,
                              fmt::format("unit {} not a suffix of metric {}",
                                          scan::Quote(meta_.text), scan::Quote(meta_.family))));
  }
  return kind;
}

Error OpenMetricsParser::LineError(std::string_view message) const {
  const char* at = p_;
  if (at != line_ && at[-1] == '\n') --at;
  return scan::BadLine(body_, line_, at, message);
}

ExpositionEntry OpenMetricsParser::Fail(Error error) {
  status_ = std::move(error);
  return ExpositionEntry::kError;
}

}  // namespace tocsin::ingest
