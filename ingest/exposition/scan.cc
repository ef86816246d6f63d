#include "ingest/exposition/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tocsin::ingest::scan {
namespace {

constexpr size_t kMaxQuoted = 200;

const char* Fail(SeriesError* error, const char* at, const char* expected) {
  *error = {at, expected};
  return nullptr;
}

// One entry inside the braces: name="value", or the quoted metric name. Null on error.
const char* SkipLabel(const char* p, const char* end, bool blanks, bool* has_name,
                      SeriesError* error) {
  const char* start = p;
  const bool quoted = *p == '"';
  if (quoted) {
    p = SkipQuoted(p, end, true);
    if (p == nullptr) return Fail(error, start, "expected label name");
  } else if (Is(*p, kLabelStart)) {
    while (p != end && Is(*p, kLabel)) ++p;
  } else {
    return Fail(error, p, "expected label name");
  }
  const char* after_name = p;
  if (blanks) p = SkipBlanks(p, end);
  if (p == end || *p != '=') {
    if (!quoted) return Fail(error, p, "expected equal");
    if (*has_name) return Fail(error, start, "metric name already set, expected label name");
    if (after_name - start <= 2) return Fail(error, start, "expected a non-empty metric name");
    *has_name = true;
    return p;
  }
  ++p;
  if (blanks) p = SkipBlanks(p, end);
  if (p == end || *p != '"') return Fail(error, p, "expected label value");
  const char* value = p;
  p = SkipQuoted(p, end, blanks);
  if (p == nullptr) return Fail(error, value, "expected label value");
  return blanks ? SkipBlanks(p, end) : p;
}

size_t LineNumber(std::string_view body, const char* at) {
  return 1 + static_cast<size_t>(std::count(body.data(), at, '\n'));
}

}  // namespace

const char* SkipQuoted(const char* p, const char* end, bool newline_allowed) {
  for (++p; p != end; ++p) {
    if (*p == '"') return p + 1;
    if (*p == '\n' && !newline_allowed) return nullptr;
    if (*p == '\\' && (++p == end || *p == '\n')) return nullptr;
  }
  return nullptr;
}

const char* SkipSeries(const char* p, const char* end, bool blanks, SeriesError* error) {
  bool has_name = false;
  if (Is(*p, kNameStart)) {
    while (p != end && Is(*p, kName)) ++p;
    const char* name_end = p;
    if (blanks) p = SkipBlanks(p, end);
    if (p == end || *p != '{') return name_end;
    has_name = true;
  } else if (*p != '{') {
    return Fail(error, p, "expected a valid start token");
  }
  ++p;
  for (bool first = true;; first = false) {
    if (blanks) p = SkipBlanks(p, end);
    if (p == end) return Fail(error, p, "expected label name");
    if (!first && *p == ',') {
      ++p;
      if (blanks) p = SkipBlanks(p, end);
      if (p == end) return Fail(error, p, "expected label name");
    } else if (!first && *p != '}') {
      return Fail(error, p, "expected comma or brace close");
    }
    if (*p == '}') break;
    p = SkipLabel(p, end, blanks, &has_name, error);
    if (p == nullptr) return nullptr;
  }
  if (!has_name) return Fail(error, p, "metric name not set, expected a quoted name");
  return p + 1;
}

std::string Quote(std::string_view text) {
  const bool cut = text.size() > kMaxQuoted;
  if (cut) text = text.substr(0, kMaxQuoted);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (byte < 0x20 || byte >= 0x7f) {
          out += fmt::format("\\x{:02x}", byte);
        } else {
          out += c;
        }
    }
  }
  out += cut ? "...\"" : "\"";
  return out;
}

Error UnexpectedText(std::string_view body, const char* line_start, const char* at,
                     const char* expected) {
  const char* end = body.data() + body.size();
  const bool at_end = at == end;
  const char* stop = at_end ? end : at + 1;
  return InvalidArgument(fmt::format("line {}: {}, got {} (\"{}\") while parsing: {}",
                                     LineNumber(body, line_start), expected,
                                     Quote(std::string_view(at, stop)), at_end ? "EOF" : "INVALID",
                                     Quote(std::string_view(line_start, stop))));
}

Error BadLine(std::string_view body, const char* line_start, const char* at,
              std::string_view message) {
  return InvalidArgument(fmt::format("line {}: {} while parsing: {}", LineNumber(body, line_start),
                                     message, Quote(std::string_view(line_start, at))));
}

}  // namespace tocsin::ingest::scan
