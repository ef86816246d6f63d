// Text to tokens, on demand. What a character means depends on the brackets around it: inside
// braces nothing is a keyword, inside square brackets only durations and their operators exist.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "query/parser/token.h"

namespace tocsin::query {

// One thread at a time. After a kError token only that token follows; after kEof only kEof.
class Lexer {
 public:
  // REQUIRES: `input` outlives the lexer and its tokens, and is below 4 GiB.
  explicit Lexer(std::string_view input) : input_(input) {}

  // Comments are skipped.
  Token Next();

  // Of the kError token.
  const std::string& error() const { return error_; }
  std::string_view input() const { return input_; }

 private:
  static constexpr int32_t kEnd = -1;
  static constexpr int32_t kBadRune = 0xfffd;

  int32_t Read();  // the next rune, or kEnd; invalid UTF-8 is kBadRune of width 1
  int32_t Peek();
  void Back() { pos_ -= width_; }
  bool Accept(std::string_view set);
  bool PeekIs(std::string_view set) const;

  Token Emit(TokenType type);
  Token Fail(std::string message);

  void SkipSpaceAndComments();
  Token Statement();
  Token Punctuation(int32_t rune);
  Token InBrackets(int32_t rune);
  Token LeftBracket();
  Token InBraces();
  Token DurationExpression();
  Token Word();
  Token Identifier();
  Token NumberOrDuration();
  Token String(int32_t quote);
  Token RawString();
  bool ScanDurationKeyword(TokenType* type);
  bool ScanNumber();
  bool ScanDurationRest();
  bool ScanEscape(int32_t quote);
  bool LeftParenFollows() const;

  const std::string_view input_;
  uint32_t pos_ = 0;
  uint32_t start_ = 0;
  uint32_t width_ = 0;
  std::string error_;
  bool failed_ = false;

  int paren_depth_ = 0;
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool expect_duration_ = false;  // in brackets, where an operand may stand
  bool got_duration_ = false;
  bool got_colon_ = false;
};

}  // namespace tocsin::query
