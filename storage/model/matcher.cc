#include "storage/model/matcher.h"

#include <fmt/format.h>

namespace tocsin {
namespace {

// Decodes the code point at `text[*pos]` and moves past it; -1 (one byte) when it is not UTF-8.
int32_t TakeCodePoint(std::string_view text, size_t* pos) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[*pos + i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (*pos + length > text.size() || !IsValidUtf8(text.substr(*pos, length))) {
    ++*pos;
    return -1;
  }
  int32_t rune = length == 1 ? first : first & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) rune = (rune << 6) | (byte(i) & 0x3f);
  *pos += length;
  return rune;
}

struct Range {
  int32_t first, last;
};

// What Go's unicode.IsPrint refuses above ASCII: controls, format characters, spaces, private use,
// noncharacters. (Code points that no Unicode version has assigned yet are taken as printable.)
constexpr Range kNotPrintable[] = {{0x80, 0xa0},       {0xad, 0xad},       {0x600, 0x605},
                                   {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},
                                   {0x8e2, 0x8e2},     {0x1680, 0x1680},   {0x180e, 0x180e},
                                   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},
                                   {0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfeff, 0xfeff},
                                   {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x1d173, 0x1d17a},
                                   {0x1fffe, 0x1ffff}, {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff}};

bool IsPrintable(int32_t rune) {
  if (rune < 0x7f) return rune >= 0x20;
  for (const Range& range : kNotPrintable)
    if (rune >= range.first && rune <= range.last) return false;
  return rune != 0x7f;
}

void AppendEscape(std::string& out, int32_t rune) {
  switch (rune) {
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  if (rune < 0x80) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", rune);
  } else if (rune < 0x10000) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", rune);
  } else {
    fmt::format_to(std::back_inserter(out), "\\U{:08x}", rune);
  }
}

}  // namespace

void AppendGoQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (size_t pos = 0; pos < text.size();) {
    const size_t start = pos;
    const int32_t rune = TakeCodePoint(text, &pos);
    if (rune < 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[start]));
    } else if (rune == '"' || rune == '\\') {
      out += '\\';
      out += static_cast<char>(rune);
    } else if (IsPrintable(rune)) {
      out += text.substr(start, pos - start);
    } else {
      AppendEscape(out, rune);
    }
  }
  out += '"';
}

std::string_view MatchOpText(MatchOp op) {
  switch (op) {
    case MatchOp::kEqual:
      return "=";
    case MatchOp::kNotEqual:
      return "!=";
    case MatchOp::kRegex:
      return "=~";
    case MatchOp::kNotRegex:
      return "!~";
  }
  return "=";
}

Matcher::Matcher(MatchOp op, std::string name, std::string value)
    : op_(op), name_(std::move(name)), value_(std::move(value)) {}

Result<Matcher> Matcher::Create(MatchOp op, std::string name, std::string value,
                                Regex::Anchor anchor) {
  Matcher matcher(op, std::move(name), std::move(value));
  if (op == MatchOp::kRegex || op == MatchOp::kNotRegex) {
    TOCSIN_ASSIGN(matcher.regex_, Regex::Compile(matcher.value_, anchor));
  }
  return matcher;
}

bool Matcher::Matches(std::string_view value) const {
  switch (op_) {
    case MatchOp::kEqual:
      return value == value_;
    case MatchOp::kNotEqual:
      return value != value_;
    case MatchOp::kRegex:
      return regex_->Matches(value);
    case MatchOp::kNotRegex:
      return !regex_->Matches(value);
  }
  return false;
}

std::string Matcher::ToString() const {
  std::string out;
  if (IsLegacyLabelName(name_)) {
    out = name_;
  } else {
    AppendGoQuoted(out, name_);
  }
  out += MatchOpText(op_);
  AppendGoQuoted(out, value_);
  return out;
}

bool MatchesAll(std::span<const Matcher> matchers, const Labels& labels) {
  for (const Matcher& matcher : matchers)
    if (!matcher.Matches(labels.Get(matcher.name()))) return false;
  return true;
}

}  // namespace tocsin
