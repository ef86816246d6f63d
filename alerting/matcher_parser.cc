#include "alerting/matcher_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tocsin::alerting {
namespace {

constexpr size_t kMaxText = 64u << 10;
constexpr std::string_view kSpace = " \t\n\v\f\r";

struct RawMatcher {
  MatchOp op;
  std::string name;
  std::string value;
  bool operator==(const RawMatcher&) const = default;
};
using RawMatchers = std::vector<RawMatcher>;

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Error Bad(std::string_view text, std::string_view why) {
  return InvalidArgument("bad matcher format: " + std::string(text) + ": " + std::string(why));
}

// Takes an operator from the front of `text`.
std::optional<MatchOp> TakeOp(std::string_view& text) {
  static constexpr std::pair<std::string_view, MatchOp> kOps[] = {{"=~", MatchOp::kRegex},
                                                                  {"!=", MatchOp::kNotEqual},
                                                                  {"!~", MatchOp::kNotRegex},
                                                                  {"=", MatchOp::kEqual}};
  for (const auto& [word, op] : kOps) {
    if (!text.starts_with(word)) continue;
    text.remove_prefix(word.size());
    return op;
  }
  return std::nullopt;
}

// ---- classic grammar

// The value after the operator: bare, or in double quotes; \" \\ \n are escapes, any other
// backslash is itself.
Result<std::string> ClassicValue(std::string_view raw, std::string_view whole) {
  std::string_view body = raw;
  const bool open = body.starts_with('"');
  if (open) body.remove_prefix(1);
  std::string value;
  bool escaped = false, closed = false;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (closed) return Bad(whole, "matcher value contains unescaped double quote");
    if (escaped) {
      escaped = false;
      if (c == 'n') {
        value.push_back('\n');
      } else {
        if (c != '"' && c != '\\') value.push_back('\\');
        value.push_back(c);
      }
    } else if (c == '\\') {
      if (i + 1 == body.size()) {
        value.push_back('\\');
      } else {
        escaped = true;
      }
    } else if (c == '"') {
      if (!open) return Bad(whole, "matcher value contains unescaped double quote");
      closed = true;
    } else {
      value.push_back(c);
    }
  }
  if (open && !closed) return Bad(whole, "matcher value contains unescaped double quote");
  if (!IsValidUtf8(value)) return Bad(whole, "matcher value is not valid UTF-8");
  return value;
}

Result<RawMatcher> ClassicOne(std::string_view text) {
  std::string_view rest = Trim(text);
  const size_t end = std::min(rest.find_first_of("=!"), rest.size());
  const std::string_view name = Trim(rest.substr(0, end));
  if (!IsLegacyMetricName(name)) return Bad(text, "invalid label name");
  rest.remove_prefix(end);
  const auto op = TakeOp(rest);
  if (!op) return Bad(text, "expected an operator, one of = != =~ !~");
  TOCSIN_ASSIGN(std::string value, ClassicValue(Trim(rest), text));
  return RawMatcher{*op, std::string(name), std::move(value)};
}

// Splits at commas outside quotes.
std::vector<std::string_view> SplitOutsideQuotes(std::string_view text) {
  std::vector<std::string_view> parts;
  bool quoted = false, escaped = false;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (text[i] == '\\') {
      escaped = true;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ',' && !quoted) {
      parts.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  parts.push_back(text.substr(start));
  return parts;
}

Result<RawMatchers> ClassicAll(std::string_view text) {
  std::string_view body = text;
  if (body.starts_with('{')) body.remove_prefix(1);
  if (body.ends_with('}')) body.remove_suffix(1);
  auto parts = SplitOutsideQuotes(body);
  if (Trim(parts.back()).empty()) parts.pop_back();  // a trailing comma, or nothing at all
  RawMatchers out;
  for (std::string_view part : parts) {
    TOCSIN_ASSIGN(RawMatcher one, ClassicOne(part));
    out.push_back(std::move(one));
  }
  return out;
}

// ---- UTF-8 grammar

void AppendRune(std::string& out, uint32_t rune) {
  if (rune < 0x80) {
    out.push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (rune >> 6)));
    out.push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  } else if (rune < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (rune >> 12)));
    out.push_back(static_cast<char>(0x80 | ((rune >> 6) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | (rune >> 18)));
    out.push_back(static_cast<char>(0x80 | ((rune >> 12) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | ((rune >> 6) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  }
}

class Utf8Parser {
 public:
  explicit Utf8Parser(std::string_view text) : whole_(text), rest_(text) {}

  Result<RawMatchers> All() {
    RawMatchers out;
    Skip();
    const bool braces = Take('{');
    Skip();
    while (!rest_.empty() && !(braces && rest_.front() == '}')) {
      TOCSIN_ASSIGN(RawMatcher one, One());
      out.push_back(std::move(one));
      Skip();
      if (!Take(',')) break;
      Skip();
    }
    if (braces && !Take('}')) return Bad(whole_, "expected close paren");
    Skip();
    if (!rest_.empty()) return Bad(whole_, "unexpected input after the matchers");
    return out;
  }

 private:
  void Skip() {
    const size_t n = rest_.find_first_not_of(kSpace);
    rest_.remove_prefix(std::min(n, rest_.size()));
  }
  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  Result<RawMatcher> One() {
    TOCSIN_ASSIGN(std::string name, Word("label name"));
    if (name.empty()) return Bad(whole_, "invalid label name");
    Skip();
    const auto op = TakeOp(rest_);
    if (!op) return Bad(whole_, "expected an operator, one of = != =~ !~");
    Skip();
    TOCSIN_ASSIGN(std::string value, Word("label value"));
    return RawMatcher{*op, std::move(name), std::move(value)};
  }
  Result<std::string> Word(std::string_view what) {
    if (rest_.starts_with('"')) return Quoted();
    const size_t end = std::min(rest_.find_first_of(" \t\n\v\f\r{}!=~,\\\"'`"), rest_.size());
    if (end == 0) return Bad(whole_, "expected " + std::string(what));
    std::string word(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (!IsValidUtf8(word)) return Bad(whole_, std::string(what) + " is not valid UTF-8");
    return word;
  }
  Result<std::string> Quoted() {
    rest_.remove_prefix(1);
    std::string out;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\n') break;
      if (rest_.front() != '\\') {
        out.push_back(rest_.front());
        rest_.remove_prefix(1);
        continue;
      }
      rest_.remove_prefix(1);
      if (!Escape(out)) return Bad(whole_, "invalid escape in a quoted string");
    }
    if (!Take('"')) return Bad(whole_, "missing end \"");
    if (!IsValidUtf8(out)) return Bad(whole_, "quoted string is not valid UTF-8");
    return out;
  }
  // One Go string escape after the backslash.
  bool Escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    static constexpr std::string_view kFrom = "abfnrtv\\\"", kTo = "\a\b\f\n\r\t\v\\\"";
    if (const size_t at = kFrom.find(c); at != std::string_view::npos) {
      out.push_back(kTo[at]);
      return true;
    }
    if (c == 'x') return Number(2, 16, out, false);
    if (c == 'u') return Number(4, 16, out, true);
    if (c == 'U') return Number(8, 16, out, true);
    if (c < '0' || c > '7') return false;
    rest_ = std::string_view(rest_.data() - 1, rest_.size() + 1);
    return Number(3, 8, out, false);
  }
  bool Number(size_t digits, uint32_t base, std::string& out, bool rune) {
    if (rest_.size() < digits) return false;
    uint32_t v = 0;
    for (char c : rest_.substr(0, digits)) {
      const auto lower = static_cast<char>(c | 0x20);
      const uint32_t d = c >= '0' && c <= '9'           ? static_cast<uint32_t>(c - '0')
                         : lower >= 'a' && lower <= 'f' ? static_cast<uint32_t>(lower - 'a' + 10)
                                                        : 99;
      if (d >= base) return false;
      v = v * base + d;
    }
    rest_.remove_prefix(digits);
    if (rune) {
      if (v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) return false;
      AppendRune(out, v);
    } else {
      if (v > 0xff) return false;
      out.push_back(static_cast<char>(v));
    }
    return true;
  }

  std::string_view whole_, rest_;
};

Result<RawMatchers> ParseRaw(std::string_view text) {
  if (text.size() > kMaxText) return InvalidArgument("matcher is longer than 64 KiB");
  auto utf8 = Utf8Parser(text).All();
  auto classic = ClassicAll(text);
  if (classic.ok()) return classic;
  if (utf8.ok()) return utf8;
  return classic.error();
}

Result<std::vector<Matcher>> Build(RawMatchers raw) {
  std::vector<Matcher> out;
  out.reserve(raw.size());
  for (auto& m : raw) {
    TOCSIN_ASSIGN(Matcher matcher, Matcher::Create(m.op, std::move(m.name), std::move(m.value),
                                                   Regex::Anchor::kFullNoDotNl));
    out.push_back(std::move(matcher));
  }
  return out;
}

void AppendEscaped(std::string& out, std::string_view text) {
  out.push_back('"');
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace

Result<std::vector<Matcher>> ParseMatchers(std::string_view text) {
  TOCSIN_ASSIGN(RawMatchers raw, ParseRaw(text));
  return Build(std::move(raw));
}

Result<Matcher> ParseMatcher(std::string_view text) {
  if (Trim(text).starts_with('{')) return Bad(text, "braces are not allowed around one matcher");
  // A comma may belong to a bare classic value (`x=~a,b` is one matcher here).
  if (auto one = ClassicOne(text); one.ok()) {
    TOCSIN_ASSIGN(auto built, Build({std::move(*one)}));
    return std::move(built.front());
  }
  TOCSIN_ASSIGN(RawMatchers raw, ParseRaw(text));
  if (raw.size() != 1) return Bad(text, "expected exactly one matcher");
  TOCSIN_ASSIGN(auto built, Build(std::move(raw)));
  return std::move(built.front());
}

std::string FormatMatcher(const Matcher& matcher) {
  std::string out;
  if (matcher.name().find_first_of(" \t\n\v\f\r{}!=~,\\\"'`") == std::string::npos) {
    out = matcher.name();
  } else {
    AppendEscaped(out, matcher.name());
  }
  out += MatchOpText(matcher.op());
  AppendEscaped(out, matcher.value());
  return out;
}

std::string FormatMatchers(std::vector<Matcher> matchers) {
  std::sort(matchers.begin(), matchers.end(), [](const Matcher& a, const Matcher& b) {
    if (a.name() != b.name()) return a.name() < b.name();
    if (a.value() != b.value()) return a.value() < b.value();
    return a.op() < b.op();
  });
  std::string out = "{";
  for (size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) out.push_back(',');
    out += FormatMatcher(matchers[i]);
  }
  out.push_back('}');
  return out;
}

}  // namespace tocsin::alerting
