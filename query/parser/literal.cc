#include "query/parser/literal.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "query/parser/utf8.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"
#include "storage/model/matcher.h"

namespace tocsin::query {

namespace {

std::string WithoutUnderscores(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c != '_') out += c;
  }
  return out;
}

// Underscores must stand between digits (or between a base prefix and a digit).
bool UnderscoresFit(std::string_view text) {
  char before = '^';
  size_t i = 0;
  if (text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    i = 2;
    before = '0';
  }
  for (; i < text.size(); ++i) {
    const bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
                       (text[i] >= 'A' && text[i] <= 'F');
    if (text[i] == '_' && before != '0') return false;
    if (before == '_' && !digit) return false;
    before = text[i] == '_' ? '_' : digit ? '0' : '!';
  }
  return before != '_';
}

// As strconv.ParseInt(text, 0, 64) of an unsigned literal.
std::optional<int64_t> ParseGoInt(std::string_view text) {
  uint64_t base = 10;
  std::string_view digits = text;
  if (text.size() >= 3 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    digits.remove_prefix(2);
  } else if (text.size() >= 2 && text[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  if (digits.empty() || !UnderscoresFit(text)) return std::nullopt;
  uint64_t value = 0;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  for (const char c : digits) {
    if (c == '_') continue;
    uint64_t digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<uint64_t>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<uint64_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = static_cast<uint64_t>(c - 'A' + 10);
    if (digit >= base || value > (kMax - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return static_cast<int64_t>(value);
}

Error NumberError(std::string_view text, std::string_view why) {
  std::string message = "strconv.ParseFloat: parsing ";
  AppendGoQuoted(message, text);
  return InvalidArgument(message.append(": ").append(why));
}

bool IsWord(std::string_view text) { return text[0] > '9'; }

char SimpleEscape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return c;
  }
}

}  // namespace

Result<double> ParseNumberText(std::string_view text) {
  if (const auto integer = ParseGoInt(text)) return static_cast<double>(*integer);
  if (text.find('_') != std::string_view::npos && !UnderscoresFit(text)) {
    return NumberError(text, "invalid syntax");
  }
  const auto value = ParseFloat(WithoutUnderscores(text));
  if (!value) return NumberError(text, "invalid syntax");
  if (std::isinf(*value) && !IsWord(text)) return NumberError(text, "value out of range");
  return *value;
}

Result<double> ParseDurationSeconds(std::string_view text) {
  TOCSIN_ASSIGN(const Duration duration, ParseDuration(text));
  return static_cast<double>(duration.count()) / 1000.0;
}

std::string UnquoteString(std::string_view text) {
  const bool raw = text.front() == '`';
  text = text.substr(1, text.size() - 2);
  if (raw || text.find('\\') == std::string_view::npos) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char kind = text[++i];
    size_t digits = 0;
    unsigned base = 16;
    if (kind == 'x') digits = 2;
    if (kind == 'u') digits = 4;
    if (kind == 'U') digits = 8;
    if (kind >= '0' && kind <= '7') {
      digits = 3;
      base = 8;
      --i;
    }
    if (digits == 0) {
      out += SimpleEscape(kind);
      continue;
    }
    uint32_t value = 0;
    for (const char c : text.substr(i + 1, digits)) {
      const unsigned digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
      value = value * base + digit;
    }
    i += digits;
    if (kind == 'u' || kind == 'U') {
      AppendRune(out, value);
    } else {
      out += static_cast<char>(value);
    }
  }
  return out;
}

}  // namespace tocsin::query
