// The words of the language.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "query/parser/position.h"

namespace tocsin::query {

enum class TokenType : uint8_t {
  kEof,
  kError,
  kIdentifier,
  kMetricIdentifier,  // has a colon
  kNumber,
  kDuration,
  kString,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,  // =
  kMatchRegex,
  kMatchNotRegex,
  kAt,
  // Operators.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kEqual,  // ==
  kNotEqual,
  kLess,
  kGreater,
  kLessOrEqual,
  kGreaterOrEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  kAtan2,
  // Aggregations.
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,
  kLimitRatio,
  // Keywords.
  kOffset,
  kSmoothed,
  kAnchored,
  kBy,
  kWithout,
  kOn,
  kIgnoring,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kBool,
  // Words with a meaning only before a parenthesis.
  kStart,
  kEnd,
  kStep,
  kRange,
  kMinOf,
  kMaxOf,
};

struct Token {
  TokenType type = TokenType::kEof;
  uint32_t pos = 0;       // byte offset
  std::string_view text;  // as written; quotes included

  PositionRange range() const { return {pos, pos + static_cast<uint32_t>(text.size())}; }
};

// The keyword for a word in any case, or kIdentifier.
TokenType KeywordType(std::string_view word);
inline bool IsOperatorToken(TokenType type) {
  return type >= TokenType::kAt && type <= TokenType::kAtan2;
}
inline bool IsAggregateToken(TokenType type) {
  return type >= TokenType::kSum && type <= TokenType::kLimitRatio;
}
inline bool IsKeywordToken(TokenType type) {
  return type >= TokenType::kOffset && type <= TokenType::kBool;
}
// Words that can be metric names where one is expected.
bool CanBeMetricName(TokenType type);
// Words that can be labels in by (...), on (...).
bool CanBeLabel(TokenType type);

// How errors call it: `identifier "x"`, `<op:+>`, `end of input`.
std::string DescribeToken(const Token& token);

}  // namespace tocsin::query
