#include "query/parser/lexer.h"

#include <cstdio>

#include "query/parser/utf8.h"
#include "storage/model/matcher.h"

namespace tocsin::query {

namespace {

bool IsSpace(int32_t r) { return r == ' ' || r == '\t' || r == '\n' || r == '\r'; }
bool IsDigit(int32_t r) { return r >= '0' && r <= '9'; }
bool IsAlpha(int32_t r) { return r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z'); }
bool IsAlphaNumeric(int32_t r) { return IsAlpha(r) || IsDigit(r); }

uint32_t DigitValue(int32_t r) {
  if (IsDigit(r)) return static_cast<uint32_t>(r - '0');
  if (r >= 'a' && r <= 'f') return static_cast<uint32_t>(r - 'a' + 10);
  if (r >= 'A' && r <= 'F') return static_cast<uint32_t>(r - 'A' + 10);
  return 16;
}

// U+0064 'd'
std::string RuneName(int32_t r) {
  char code[16];
  std::snprintf(code, sizeof(code), "U+%04X", static_cast<unsigned>(r));
  return std::string(code) + " " + QuoteRune(r);
}

}  // namespace

int32_t Lexer::Read() {
  if (pos_ >= input_.size()) {
    width_ = 0;
    return kEnd;
  }
  const DecodedRune rune = DecodeRune(input_.substr(pos_));
  width_ = rune.width;
  pos_ += width_;
  return rune.value;
}

int32_t Lexer::Peek() {
  const int32_t r = Read();
  Back();
  return r;
}

bool Lexer::PeekIs(std::string_view set) const {
  return pos_ < input_.size() && set.find(input_[pos_]) != std::string_view::npos;
}

bool Lexer::Accept(std::string_view set) {
  if (!PeekIs(set)) return false;
  ++pos_;
  return true;
}

Token Lexer::Emit(TokenType type) {
  const Token token{type, start_, input_.substr(start_, pos_ - start_)};
  start_ = pos_;
  return token;
}

Token Lexer::Fail(std::string message) {
  failed_ = true;
  error_ = std::move(message);
  return {TokenType::kError, start_, {}};
}

void Lexer::SkipSpaceAndComments() {
  for (; pos_ < input_.size(); ++pos_) {
    if (IsSpace(input_[pos_])) continue;
    // A comment inside square brackets would be a bad operand.
    if (input_[pos_] != '#' || expect_duration_) break;
    while (pos_ < input_.size() && input_[pos_] != '\n' && input_[pos_] != '\r') ++pos_;
    if (pos_ == input_.size()) break;
  }
  start_ = pos_;
}

Token Lexer::Next() {
  if (failed_) return {TokenType::kError, start_, {}};
  SkipSpaceAndComments();
  if (in_braces_) return InBraces();
  if (expect_duration_) return DurationExpression();
  return Statement();
}

Token Lexer::Statement() {
  const int32_t r = Read();
  if (r == kEnd) {
    if (paren_depth_ != 0) return Fail("unclosed left parenthesis");
    if (in_brackets_) return Fail("unclosed left bracket");
    return Emit(TokenType::kEof);
  }
  if (IsDigit(r) || (r == '.' && IsDigit(Peek()))) {
    pos_ = start_;
    return NumberOrDuration();
  }
  if (r == '"' || r == '\'') return String(r);
  if (r == '`') return RawString();
  if (IsAlpha(r) || r == ':') {
    if (in_brackets_) return InBrackets(r);
    pos_ = start_;
    return Word();
  }
  return Punctuation(r);
}

Token Lexer::Punctuation(int32_t r) {
  switch (r) {
    case ',':
      return Emit(TokenType::kComma);
    case '*':
      return Emit(TokenType::kMul);
    case '/':
      return Emit(TokenType::kDiv);
    case '%':
      return Emit(TokenType::kMod);
    case '+':
      return Emit(TokenType::kAdd);
    case '-':
      return Emit(TokenType::kSub);
    case '^':
      return Emit(TokenType::kPow);
    case '@':
      return Emit(TokenType::kAt);
    case '=':
      if (Accept("=")) return Emit(TokenType::kEqual);
      if (PeekIs("~")) return Fail("unexpected character after '=': '~'");
      return Emit(TokenType::kAssign);
    case '!': {
      const int32_t next = Read();
      if (next == '=') return Emit(TokenType::kNotEqual);
      return Fail("unexpected character after '!': " + QuoteRune(next));
    }
    case '<':
      if (Accept("=")) return Emit(TokenType::kLessOrEqual);
      return Emit(Accept("/") ? TokenType::kTrimUpper : TokenType::kLess);
    case '>':
      if (Accept("=")) return Emit(TokenType::kGreaterOrEqual);
      return Emit(Accept("/") ? TokenType::kTrimLower : TokenType::kGreater);
    case '(':
      ++paren_depth_;
      return Emit(TokenType::kLeftParen);
    case ')':
      if (--paren_depth_ >= 0) return Emit(TokenType::kRightParen);
      start_ = pos_;
      return Fail("unexpected right parenthesis ')'");
    case '{':
      in_braces_ = true;
      return Emit(TokenType::kLeftBrace);
    case '[':
      return LeftBracket();
    case ']':
      if (!in_brackets_) return Fail("unexpected right bracket ']'");
      in_brackets_ = false;
      return Emit(TokenType::kRightBracket);
    default:
      return Fail("unexpected character: " + QuoteRune(r));
  }
}

Token Lexer::LeftBracket() {
  if (in_brackets_) return Fail("unexpected left bracket '['");
  in_brackets_ = true;
  expect_duration_ = true;
  got_colon_ = false;
  got_duration_ = false;
  return Emit(TokenType::kLeftBracket);
}

// A letter or colon inside square brackets, after a number.
Token Lexer::InBrackets(int32_t r) {
  if (r == ':') {
    if (got_colon_) return Fail("unexpected colon ':'");
    got_colon_ = true;
    return Emit(TokenType::kColon);
  }
  pos_ = start_;
  TokenType type;
  if (ScanDurationKeyword(&type)) return Emit(type);
  return Fail("unexpected character: " + QuoteRune(r) + ", expected ':'");
}

Token Lexer::DurationExpression() {
  const int32_t r = Read();
  switch (r) {
    case kEnd:
      return Fail("unexpected end of input in duration expression");
    case ']':
      in_brackets_ = false;
      expect_duration_ = false;
      return Emit(TokenType::kRightBracket);
    case ':': {
      const Token colon = Emit(TokenType::kColon);
      if (!got_duration_) return Fail("unexpected colon before duration in duration expression");
      if (got_colon_) return Fail("unexpected repeated colon in duration expression");
      got_colon_ = true;
      return colon;
    }
    case '(':
    case ')':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '^':
    case ',':
      return Punctuation(r);
    default:
      break;
  }
  if (IsDigit(r) || (r == '.' && IsDigit(Peek()))) {
    pos_ = start_;
    got_duration_ = true;
    expect_duration_ = false;
    return NumberOrDuration();
  }
  if (IsAlpha(r)) {
    pos_ = start_;
    TokenType type;
    if (ScanDurationKeyword(&type)) {
      got_duration_ = true;
      return Emit(type);
    }
  }
  return Fail("unexpected character in duration expression: " + QuoteRune(r));
}

Token Lexer::InBraces() {
  const int32_t r = Read();
  if (IsAlpha(r)) return Identifier();
  switch (r) {
    case kEnd:
      return Fail("unexpected end of input inside braces");
    case ',':
      return Emit(TokenType::kComma);
    case '"':
    case '\'':
      return String(r);
    case '`':
      return RawString();
    case '=':
      return Emit(Accept("~") ? TokenType::kMatchRegex : TokenType::kAssign);
    case '!': {
      const int32_t next = Read();
      if (next == '~') return Emit(TokenType::kMatchNotRegex);
      if (next == '=') return Emit(TokenType::kNotEqual);
      return Fail("unexpected character after '!' inside braces: " + QuoteRune(next));
    }
    case '{':
      return Fail("unexpected left brace '{'");
    case '}':
      in_braces_ = false;
      return Emit(TokenType::kRightBrace);
    default:
      return Fail("unexpected character inside braces: " + QuoteRune(r));
  }
}

Token Lexer::Identifier() {
  while (pos_ < input_.size() && IsAlphaNumeric(input_[pos_])) ++pos_;
  return Emit(TokenType::kIdentifier);
}

Token Lexer::Word() {
  bool colon = false;
  for (; pos_ < input_.size(); ++pos_) {
    if (input_[pos_] == ':') {
      colon = true;
    } else if (!IsAlphaNumeric(input_[pos_])) {
      break;
    }
  }
  if (colon) return Emit(TokenType::kMetricIdentifier);
  TokenType type = KeywordType(input_.substr(start_, pos_ - start_));
  // Metrics of that name exist; only a parenthesis makes these keywords.
  if (type >= TokenType::kFill && type <= TokenType::kFillRight && !LeftParenFollows()) {
    type = TokenType::kIdentifier;
  }
  return Emit(type);
}

bool Lexer::LeftParenFollows() const {
  size_t i = pos_;
  while (i < input_.size() && IsSpace(input_[i])) ++i;
  return i < input_.size() && input_[i] == '(';
}

bool Lexer::ScanDurationKeyword(TokenType* type) {
  const uint32_t begin = pos_;
  while (pos_ < input_.size() && IsAlpha(input_[pos_])) ++pos_;
  *type = KeywordType(input_.substr(begin, pos_ - begin));
  return *type >= TokenType::kStep && *type <= TokenType::kMaxOf;
}

Token Lexer::NumberOrDuration() {
  if (ScanNumber()) return Emit(TokenType::kNumber);
  if (ScanDurationRest()) return Emit(TokenType::kDuration);
  std::string message = "bad number or duration syntax: ";
  AppendGoQuoted(message, input_.substr(start_, pos_ - start_));
  return Fail(std::move(message));
}

// A number in any notation, possibly ill-formed in ways the conversion finds. On false, the
// position is after the last character that still fitted.
bool Lexer::ScanNumber() {
  std::string_view digits = "0123456789";
  bool hex = false;
  if (Accept("0") && Accept("xX")) {
    Accept("_");
    hex = true;
    digits = "0123456789abcdefABCDEF";
  }
  Accept(".");
  Accept(digits);
  bool dot = false;
  bool exponent = false;
  while (PeekIs(digits) || PeekIs("._eE")) {
    if (PeekIs(".") && dot) {
      Accept(".");
      return false;
    }
    if (PeekIs("eE") && exponent) {
      Accept("eE");
      return false;
    }
    if (Accept(".")) {
      dot = true;
      if (Accept("_.") || hex) return false;
    } else if (Accept("eE")) {
      exponent = true;
      Accept("+-");
      if (Accept("._eE") || pos_ >= input_.size()) return false;
    } else if (Accept("_")) {
      if (Accept("._eE") || pos_ >= input_.size()) return false;
    } else {
      while (Accept(digits)) {
      }
    }
  }
  return pos_ > start_ && !IsAlphaNumeric(Peek());
}

// After the first digits of a duration: units and further digits. Units in the wrong order are left
// to the conversion.
bool Lexer::ScanDurationRest() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (Accept("0123456789")) {
    while (Accept("0123456789")) {
    }
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (!IsAlphaNumeric(Peek())) return true;
  Read();
  return false;
}

Token Lexer::String(int32_t quote) {
  for (;;) {
    const int32_t r = Read();
    if (r == quote) return Emit(TokenType::kString);
    if (r == kEnd || r == '\n') return Fail("unterminated quoted string");
    if (r == kBadRune) return Fail("invalid UTF-8 rune");
    if (r == '\\' && !ScanEscape(quote)) return Fail(std::move(error_));
  }
}

Token Lexer::RawString() {
  for (;;) {
    const int32_t r = Read();
    if (r == '`') return Emit(TokenType::kString);
    if (r == kEnd) return Fail("unterminated raw string");
    if (r == kBadRune) return Fail("invalid UTF-8 rune");
  }
}

bool Lexer::ScanEscape(int32_t quote) {
  int32_t r = Read();
  if (r == quote) return true;
  int count = 0;
  uint32_t base = 16;
  uint32_t max = 0x10ffff;
  switch (r) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
      return true;
    case 'x':
      count = 2;
      max = 255;
      r = Read();
      break;
    case 'u':
      count = 4;
      r = Read();
      break;
    case 'U':
      count = 8;
      r = Read();
      break;
    case kEnd:
      error_ = "escape sequence not terminated";
      return false;
    default:
      if (r < '0' || r > '7') {
        error_ = "unknown escape sequence " + RuneName(r);
        return false;
      }
      count = 3;
      base = 8;
      max = 255;
  }
  uint32_t value = 0;
  for (;;) {
    const uint32_t digit = DigitValue(r);
    if (digit >= base) {
      error_ = r == kEnd ? "escape sequence not terminated"
                         : "illegal character " + RuneName(r) + " in escape sequence";
      return false;
    }
    value = value * base + digit;
    if (--count == 0) break;
    r = Read();
  }
  if (value <= max && (value < 0xd800 || value >= 0xe000)) return true;
  error_ = "escape sequence is an invalid Unicode code point";
  return false;
}

}  // namespace tocsin::query
