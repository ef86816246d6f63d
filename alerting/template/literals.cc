#include "alerting/template/literals.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "storage/base/number.h"

namespace tocsin::alerting {
namespace {

Error InvalidSyntax() { return InvalidArgument("invalid syntax"); }

std::optional<uint32_t> ReadDigits(std::string_view text, size_t* pos, size_t count, int base) {
  if (*pos + count > text.size()) return std::nullopt;
  uint32_t v = 0;
  const char* end = text.data() + *pos + count;
  const auto result = std::from_chars(text.data() + *pos, end, v, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  *pos += count;
  return v;
}

// Reads the escape after a backslash and appends what it stands for.
Status AppendEscape(std::string& out, std::string_view text, size_t* pos, char quote) {
  if (*pos >= text.size()) return InvalidSyntax();
  const char c = text[(*pos)++];
  constexpr std::string_view kLetters = "abfnrtv\\";
  constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\";
  if (const size_t i = kLetters.find(c); i != std::string_view::npos) {
    out += kBytes[i];
    return OkStatus();
  }
  if (c == quote) {
    out += c;
    return OkStatus();
  }
  if (c == 'x' || c == 'u' || c == 'U') {
    const auto v = ReadDigits(text, pos, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16);
    if (!v) return InvalidSyntax();
    if (c == 'x') {
      out += static_cast<char>(*v);
    } else if (*v > 0x10ffff || (*v >= 0xd800 && *v < 0xe000)) {
      return InvalidSyntax();
    } else {
      AppendUtf8(out, *v);
    }
    return OkStatus();
  }
  if (c >= '0' && c <= '7') {
    --*pos;
    const auto v = ReadDigits(text, pos, 3, 8);
    if (!v || *v > 255) return InvalidSyntax();
    out += static_cast<char>(*v);
    return OkStatus();
  }
  return InvalidSyntax();
}

std::optional<int64_t> ParseGoInt(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char prefix = static_cast<char>(text[1] | 0x20);
    base = prefix == 'x' ? 16 : prefix == 'b' ? 2 : 8;
    text.remove_prefix(prefix == 'x' || prefix == 'b' || prefix == 'o' ? 2 : 1);
  }
  uint64_t v = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, v, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  if (v > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) return std::nullopt;
  return negative ? static_cast<int64_t>(~v + 1) : static_cast<int64_t>(v);
}

std::optional<double> ParseGoFloat(std::string_view text) {
  const size_t x = text.find_first_of("xX");
  if (x == std::string_view::npos) return ParseFloat(text);
  const bool negative = text[0] == '-';
  text.remove_prefix(x + 1);
  double v = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, v, std::chars_format::hex);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return negative ? -v : v;
}

}  // namespace

void AppendUtf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

uint32_t DecodeUtf8(std::string_view text, size_t* pos) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte((*pos)++);
  if (first < 0x80) return first;
  const int more = first >= 0xf0 && first < 0xf5 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
  if (more == 0 || first >= 0xf5) return 0xfffd;
  uint32_t c = first & (0x3fu >> more);
  for (int i = 0; i < more; ++i) {
    const unsigned next = byte(*pos + static_cast<size_t>(i));
    if ((next & 0xc0) != 0x80) return 0xfffd;
    c = (c << 6) | (next & 0x3f);
  }
  if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
      (more == 3 && (c < 0x10000 || c > 0x10ffff))) {
    return 0xfffd;
  }
  *pos += static_cast<size_t>(more);
  return c;
}

size_t Utf8Length(std::string_view text) {
  size_t n = 0;
  for (size_t pos = 0; pos < text.size(); ++n) DecodeUtf8(text, &pos);
  return n;
}

Result<std::string> UnquoteGo(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != quoted.back()) return InvalidSyntax();
  const std::string_view body = quoted.substr(1, quoted.size() - 2);
  std::string out;
  if (quoted.front() == '`') {
    for (char c : body) {
      if (c != '\r') out += c;
    }
    return out;
  }
  for (size_t pos = 0; pos < body.size();) {
    const char c = body[pos++];
    if (c == '\\') {
      TOCSIN_RETURN_IF_ERROR(AppendEscape(out, body, &pos, '"'));
    } else {
      out += c;
    }
  }
  return out;
}

Result<int64_t> UnquoteGoCharacter(std::string_view quoted) {
  if (quoted.size() < 3) return InvalidSyntax();
  const std::string_view body = quoted.substr(1, quoted.size() - 2);
  size_t pos = 0;
  if (body[0] != '\\') {
    const uint32_t c = DecodeUtf8(body, &pos);
    if (pos != body.size()) return InvalidSyntax();
    return int64_t{c};
  }
  pos = 1;
  std::string out;
  TOCSIN_RETURN_IF_ERROR(AppendEscape(out, body, &pos, '\''));
  if (pos != body.size()) return InvalidSyntax();
  if (body[1] == 'x' || (body[1] >= '0' && body[1] <= '7')) {
    return int64_t{static_cast<unsigned char>(out[0])};
  }
  size_t at = 0;
  return int64_t{DecodeUtf8(out, &at)};
}

Result<TemplateValue> ParseGoNumber(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c != '_') digits += c;
  }
  const size_t start = !digits.empty() && (digits[0] == '+' || digits[0] == '-') ? 1 : 0;
  const bool hex = digits.size() > start + 1 && (digits[start + 1] | 0x20) == 'x';
  const bool looks_float = digits.find_first_of(hex ? ".pP" : ".eEpP", start) != std::string::npos;
  if (!looks_float) {
    if (const auto v = ParseGoInt(digits)) return TemplateValue(*v);
    if (ParseFloat(digits)) return InvalidArgument(fmt::format("integer overflow: \"{}\"", text));
  } else if (const auto v = ParseGoFloat(digits); v && std::isfinite(*v)) {
    return TemplateValue(*v);
  }
  return InvalidArgument(fmt::format("illegal number syntax: \"{}\"", text));
}

}  // namespace tocsin::alerting
