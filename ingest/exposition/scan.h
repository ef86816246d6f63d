// Character-level pieces both exposition grammars are made of. Private to this folder.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace tocsin::ingest::scan {

enum CharClass : uint8_t {
  kNameStart = 1,   // [a-zA-Z_:]
  kName = 2,        // [a-zA-Z0-9_:]
  kLabelStart = 4,  // [a-zA-Z_]
  kLabel = 8,       // [a-zA-Z0-9_]
  kBlank = 16,      // space, tab
  kDigit = 32,
};

inline constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    uint8_t bits = 0;
    if (alpha) bits |= kNameStart | kName | kLabelStart | kLabel;
    if (c == ':') bits |= kNameStart | kName;
    if (digit) bits |= kName | kLabel | kDigit;
    if (c == ' ' || c == '\t') bits |= kBlank;
    table[static_cast<size_t>(c)] = bits;
  }
  return table;
}();

inline bool Is(char c, uint8_t classes) {
  return (kClasses[static_cast<uint8_t>(c)] & classes) != 0;
}

inline const char* SkipBlanks(const char* p, const char* end) {
  while (p != end && Is(*p, kBlank)) ++p;
  return p;
}

// The line break of the line at `p`, or `end`.
inline const char* LineEnd(const char* p, const char* end) {
  const void* found = std::memchr(p, '\n', static_cast<size_t>(end - p));
  return found == nullptr ? end : static_cast<const char*>(found);
}

// Past the closing quote of the string that opens at `p`, or null when it does not end before
// `end`. REQUIRES: *p == '"'.
const char* SkipQuoted(const char* p, const char* end, bool newline_allowed);

// Where a series text went wrong.
struct SeriesError {
  const char* at = nullptr;
  const char* expected = "";
};

// The end of the series (name and braces) that starts at `p`; null with `error` set when the text
// is no series. `blanks`: blanks are allowed between tokens (text format) or not (OpenMetrics).
const char* SkipSeries(const char* p, const char* end, bool blanks, SeriesError* error);

// Go's %q, cut to a length that fits a log line.
std::string Quote(std::string_view text);

// "line N: expected ..., got "x" ("INVALID") while parsing: "..."", the way Prometheus words it.
Error UnexpectedText(std::string_view body, const char* line_start, const char* at,
                     const char* expected);
// "line N: message while parsing: "..."".
Error BadLine(std::string_view body, const char* line_start, const char* at,
              std::string_view message);

}  // namespace tocsin::ingest::scan
