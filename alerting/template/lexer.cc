#include "alerting/template/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tocsin::alerting {
namespace {

constexpr std::string_view kOpenDelim = "{{";
constexpr std::string_view kCloseDelim = "}}";
constexpr std::string_view kOpenComment = "/*";
constexpr std::string_view kCloseComment = "*/";
constexpr std::array<std::string_view, 11> kKeywords = {"block", "break",    "continue", "define",
                                                        "else",  "end",      "if",       "nil",
                                                        "range", "template", "with"};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// Bytes of multi-byte characters count as letters.
bool IsAlnum(char c) {
  return c == '_' || IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string_view TrimRight(std::string_view s) {
  while (!s.empty() && IsSpace(s.back())) s.remove_suffix(1);
  return s;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  TokenList Run() {
    while (!done_) {
      if (in_action_) {
        LexAction();
      } else {
        LexText();
      }
    }
    return std::move(out_);
  }

 private:
  std::string_view Rest() const { return source_.substr(pos_); }
  char Peek(size_t ahead = 0) const {
    return pos_ + ahead < source_.size() ? source_[pos_ + ahead] : '\0';
  }
  bool AtEnd() const { return pos_ >= source_.size(); }
  bool StartsWith(std::string_view s) const { return Rest().starts_with(s); }
  // "-}}" that trims: white space before it is part of the marker.
  bool AtTrimClose() const {
    return IsSpace(Peek()) && Peek(1) == '-' && Rest().substr(2).starts_with(kCloseDelim);
  }
  bool AtClose() const { return AtTrimClose() || StartsWith(kCloseDelim); }

  void Emit(TokenKind kind, size_t start, std::string_view text) {
    out_.tokens.push_back({kind, static_cast<uint32_t>(start), line_, text});
    line_ +=
        static_cast<uint32_t>(std::count(source_.begin() + static_cast<ptrdiff_t>(counted_),
                                         source_.begin() + static_cast<ptrdiff_t>(pos_), '\n'));
    counted_ = pos_;
  }
  void EmitFrom(TokenKind kind, size_t start) {
    Emit(kind, start, source_.substr(start, pos_ - start));
  }
  void Fail(std::string message) {
    line_ += static_cast<uint32_t>(
        std::count(source_.begin() + static_cast<ptrdiff_t>(counted_),
                   source_.begin() + static_cast<ptrdiff_t>(std::min(pos_, source_.size())), '\n'));
    counted_ = pos_;
    out_.error = std::move(message);
    out_.tokens.push_back({TokenKind::kError, static_cast<uint32_t>(pos_), line_, {}});
    done_ = true;
  }

  void LexText() {
    const size_t start = pos_;
    size_t open = source_.find(kOpenDelim, pos_);
    if (open == std::string_view::npos) open = source_.size();
    std::string_view text = source_.substr(start, open - start);
    pos_ = open;
    const bool trim = Peek(2) == '-' && IsSpace(Peek(3));
    if (trim) text = TrimRight(text);
    if (!text.empty()) {
      Emit(TokenKind::kText, start, text);
    }
    if (AtEnd()) {
      Emit(TokenKind::kEnd, pos_, {});
      done_ = true;
      return;
    }
    LexOpen(trim);
  }

  void LexOpen(bool trim) {
    const size_t start = pos_;
    const size_t after = pos_ + kOpenDelim.size() + (trim ? 2 : 0);
    if (source_.substr(after).starts_with(kOpenComment)) {
      pos_ = after;
      LexComment();
      return;
    }
    pos_ += kOpenDelim.size();
    Emit(TokenKind::kOpen, start, kOpenDelim);
    pos_ = after;
    in_action_ = true;
    paren_depth_ = 0;
  }

  void LexComment() {
    const size_t end = source_.find(kCloseComment, pos_);
    if (end == std::string_view::npos) {
      Fail("unclosed comment");
      return;
    }
    pos_ = end + kCloseComment.size();
    if (!AtClose()) {
      Fail("comment ends before closing delimiter");
      return;
    }
    SkipClose();
  }

  // Steps over the closing delimiter and, when it trims, the white space after it.
  void SkipClose() {
    const bool trim = AtTrimClose();
    pos_ += kCloseDelim.size() + (trim ? 2 : 0);
    if (trim) {
      while (!AtEnd() && IsSpace(Peek())) ++pos_;
    }
  }

  void LexAction() {
    if (AtClose()) {
      if (paren_depth_ > 0) {
        Fail("unclosed left paren");
        return;
      }
      const size_t start = pos_;
      SkipClose();
      Emit(TokenKind::kClose, start, kCloseDelim);
      in_action_ = false;
      return;
    }
    if (AtEnd()) {
      Fail("unclosed action");
      return;
    }
    const size_t start = pos_;
    const char c = source_[pos_++];
    if (IsSpace(c)) {
      while (!AtEnd() && IsSpace(Peek()) && !AtTrimClose()) ++pos_;
      EmitFrom(TokenKind::kSpace, start);
      return;
    }
    switch (c) {
      case '=':
        return EmitFrom(TokenKind::kAssign, start);
      case ':':
        if (Peek() != '=') return Fail("expected :=");
        ++pos_;
        return EmitFrom(TokenKind::kDeclare, start);
      case '|':
        return EmitFrom(TokenKind::kPipe, start);
      case '(':
        ++paren_depth_;
        return EmitFrom(TokenKind::kLeftParen, start);
      case ')':
        --paren_depth_;  // one too many is for the parser to refuse
        return EmitFrom(TokenKind::kRightParen, start);
      case '"':
        return LexQuoted(start, '"', TokenKind::kString, "unterminated quoted string");
      case '\'':
        return LexQuoted(start, '\'', TokenKind::kCharConstant, "unterminated character constant");
      case '`':
        return LexRaw(start);
      case '$':
        return LexName(start, TokenKind::kVariable);
      case '.':
        if (IsDigit(Peek())) return LexNumber(start);
        return LexName(start, TokenKind::kField);
      default:
        break;
    }
    if (c == '+' || c == '-' || IsDigit(c)) return LexNumber(start);
    if (IsAlnum(c)) return LexWord(start);
    if (c >= 0x21 && c < 0x7f) return EmitFrom(TokenKind::kChar, start);
    Fail(fmt::format("unrecognized character in action: U+{:04X}", static_cast<unsigned char>(c)));
  }

  void LexQuoted(size_t start, char quote, TokenKind kind, const char* unterminated) {
    for (;;) {
      if (AtEnd() || Peek() == '\n') return Fail(unterminated);
      const char c = source_[pos_++];
      if (c == quote) return EmitFrom(kind, start);
      if (c == '\\') {
        if (AtEnd() || Peek() == '\n') return Fail(unterminated);
        ++pos_;
      }
    }
  }

  void LexRaw(size_t start) {
    const size_t end = source_.find('`', pos_);
    if (end == std::string_view::npos) return Fail("unterminated raw quoted string");
    pos_ = end + 1;
    EmitFrom(TokenKind::kRawString, start);
  }

  // After a name something must follow that cannot be part of one.
  bool AtTerminator() const {
    if (AtEnd() || IsSpace(Peek()) || AtClose()) return true;
    return std::string_view(".,|:)(").find(Peek()) != std::string_view::npos;
  }
  void FailAtCharacter() {
    const auto c = static_cast<unsigned char>(Peek());
    Fail(fmt::format("bad character U+{:04X} '{}'", c, static_cast<char>(c)));
  }

  // A field or a variable whose first character is consumed: alone it is dot, or $.
  void LexName(size_t start, TokenKind kind) {
    if (AtTerminator()) {
      return EmitFrom(kind == TokenKind::kField ? TokenKind::kDot : kind, start);
    }
    while (!AtEnd() && IsAlnum(Peek())) ++pos_;
    if (!AtTerminator()) return FailAtCharacter();
    EmitFrom(kind, start);
  }

  void LexWord(size_t start) {
    while (!AtEnd() && IsAlnum(Peek())) ++pos_;
    if (!AtTerminator()) return FailAtCharacter();
    const std::string_view word = source_.substr(start, pos_ - start);
    if (word == "true" || word == "false") return EmitFrom(TokenKind::kBool, start);
    const bool keyword = std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
    EmitFrom(keyword ? TokenKind::kKeyword : TokenKind::kIdentifier, start);
  }

  void Accept(std::string_view set) {
    while (!AtEnd() && set.find(Peek()) != std::string_view::npos) ++pos_;
  }

  void LexNumber(size_t start) {
    pos_ = start;
    if (Peek() == '+' || Peek() == '-') ++pos_;
    std::string_view digits = "0123456789_";
    bool hex = false;
    if (Peek() == '0') {
      ++pos_;
      const char base = static_cast<char>(Peek() | 0x20);
      if (base == 'x') {
        digits = "0123456789abcdefABCDEF_";
        hex = true;
      } else if (base == 'o') {
        digits = "01234567_";
      } else if (base == 'b') {
        digits = "01_";
      }
      if (base == 'x' || base == 'o' || base == 'b') ++pos_;
    }
    Accept(digits);
    if (Peek() == '.') {
      ++pos_;
      Accept(digits);
    }
    const char exponent = static_cast<char>(Peek() | 0x20);
    if ((!hex && exponent == 'e') || (hex && exponent == 'p')) {
      ++pos_;
      if (Peek() == '+' || Peek() == '-') ++pos_;
      Accept("0123456789_");
    }
    if (!AtEnd() && IsAlnum(Peek())) {
      ++pos_;
      return Fail(fmt::format("bad number syntax: \"{}\"", source_.substr(start, pos_ - start)));
    }
    EmitFrom(TokenKind::kNumber, start);
  }

  std::string_view source_;
  size_t pos_ = 0;
  size_t counted_ = 0;  // newlines up to here are in line_
  uint32_t line_ = 1;
  int paren_depth_ = 0;
  bool in_action_ = false;
  bool done_ = false;
  TokenList out_;
};

}  // namespace

TokenList LexTemplate(std::string_view source) { return Lexer(source).Run(); }

}  // namespace tocsin::alerting
