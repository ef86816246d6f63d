#include "ingest/exposition/text_parser.h"

#include <fmt/format.h>

#include <cstring>

#include "ingest/exposition/scan.h"
#include "storage/base/number.h"

namespace tocsin::ingest {

using scan::Is;

ExpositionEntry TextParser::Next(std::string_view expected) {
  if (!status_.ok()) return ExpositionEntry::kError;
  for (;;) {
    while (p_ != end_ && (*p_ == '\n' || Is(*p_, scan::kBlank))) ++p_;
    if (p_ == end_) return ExpositionEntry::kEnd;
    line_ = p_;
    if (*p_ != '#') return Sample(expected);
    ExpositionEntry entry;
    if (Comment(&entry)) return entry;
  }
}

ExpositionEntry TextParser::Sample(std::string_view expected) {
  const size_t size = expected.size();
  matched_ = false;
  if (size != 0 && static_cast<size_t>(end_ - p_) > size &&
      std::memcmp(p_, expected.data(), size) == 0 && Is(p_[size], scan::kBlank)) {
    const char* after = scan::SkipBlanks(p_ + size, end_);
    // `name {...}` is not the series `name`.
    if (after != end_ && *after != '{') {
      matched_ = true;
      sample_.series = {p_, size};
      p_ = after;
      return ValueAndTimestamp();
    }
  }
  scan::SeriesError error;
  const char* series_end = scan::SkipSeries(p_, end_, true, &error);
  if (series_end == nullptr)
    return Fail(scan::UnexpectedText(body_, line_, error.at, error.expected));
  sample_.series = {p_, static_cast<size_t>(series_end - p_)};
  p_ = scan::SkipBlanks(series_end, end_);
  return ValueAndTimestamp();
}

ExpositionEntry TextParser::ValueAndTimestamp() {
  const char* start = p_;
  while (p_ != end_ && *p_ != '\n' && *p_ != '{' && !Is(*p_, scan::kBlank)) ++p_;
  if (p_ == start)
    return Fail(scan::UnexpectedText(body_, line_, p_, "expected value after metric"));
  const std::string_view text(start, static_cast<size_t>(p_ - start));
  const auto value = ParseFloat(text);
  if (!value) {
    return Fail(scan::BadLine(
        body_, line_, p_,
        fmt::format("strconv.ParseFloat: parsing {}: invalid syntax", scan::Quote(text))));
  }
  sample_.value = *value;
  sample_.has_timestamp = false;
  p_ = scan::SkipBlanks(p_, end_);
  if (p_ == end_) return ExpositionEntry::kSample;
  if (*p_ == '\n') {
    ++p_;
    return ExpositionEntry::kSample;
  }
  start = p_;
  while (p_ != end_ && Is(*p_, scan::kDigit)) ++p_;
  if (p_ == start)
    return Fail(scan::UnexpectedText(body_, line_, p_, "expected timestamp or new record"));
  const std::string_view digits(start, static_cast<size_t>(p_ - start));
  const auto timestamp = ParseInt(digits);
  if (!timestamp) {
    return Fail(scan::BadLine(
        body_, line_, p_,
        fmt::format("strconv.ParseInt: parsing {}: value out of range", scan::Quote(digits))));
  }
  sample_.timestamp_ms = *timestamp;
  sample_.has_timestamp = true;
  p_ = scan::SkipBlanks(p_, end_);
  if (p_ != end_ && *p_ != '\n')
    return Fail(scan::UnexpectedText(body_, line_, p_, "expected next entry after timestamp"));
  if (p_ != end_) ++p_;
  return ExpositionEntry::kSample;
}

bool TextParser::Comment(ExpositionEntry* entry) {
  const char* line_end = scan::LineEnd(p_, end_);
  const char* p = scan::SkipBlanks(p_ + 1, line_end);
  const bool spaced = p != p_ + 1;
  const std::string_view rest(p, static_cast<size_t>(line_end - p));
  const bool help = rest.starts_with("HELP");
  p_ = line_end;
  if (!spaced || rest.size() < 5 || (!help && !rest.starts_with("TYPE")) ||
      !Is(rest[4], scan::kBlank)) {
    return false;
  }
  const char* name = scan::SkipBlanks(p + 4, line_end);
  const char* name_end = name;
  bool quoted = false;
  if (name != line_end && *name == '"') {
    quoted = true;
    name_end = scan::SkipQuoted(name, line_end, false);
  } else {
    while (name_end != line_end && Is(*name_end, scan::kName)) ++name_end;
    if (name_end == name || !Is(*name, scan::kNameStart)) name_end = nullptr;
  }
  if (name_end == nullptr) {
    const char* expected =
        help ? "expected metric name after HELP" : "expected metric name after TYPE";
    *entry = Fail(scan::UnexpectedText(body_, line_, name, expected));
    return true;
  }
  meta_.line = {line_, static_cast<size_t>(line_end - line_)};
  meta_.family = quoted ? std::string_view(name + 1, static_cast<size_t>(name_end - name - 2))
                        : std::string_view(name, static_cast<size_t>(name_end - name));
  const char* text = scan::SkipBlanks(name_end, line_end);
  meta_.text = {text, static_cast<size_t>(line_end - text)};
  *entry = ExpositionEntry::kHelp;
  if (help) return true;
  if (ParseMetricType(meta_.text, false, &meta_.type)) {
    *entry = ExpositionEntry::kType;
  } else {
    *entry = Fail(
        scan::BadLine(body_, line_, line_end, "invalid metric type " + scan::Quote(meta_.text)));
  }
  return true;
}

Error TextParser::LineError(std::string_view message) const {
  const char* at = p_;
  if (at != line_ && at[-1] == '\n') --at;
  return scan::BadLine(body_, line_, at, message);
}

ExpositionEntry TextParser::Fail(Error error) {
  status_ = std::move(error);
  return ExpositionEntry::kError;
}

}  // namespace tocsin::ingest
