// Splits a template into text and the tokens of its actions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::alerting {

enum class TokenKind : uint8_t {
  kError,  // text: the message; always the last token
  kEnd,
  kText,
  kOpen,   // {{
  kClose,  // }}
  kSpace,
  kAssign,   // =
  kDeclare,  // :=
  kPipe,
  kLeftParen,
  kRightParen,
  kChar,  // any other printable character: a comma
  kBool,
  kCharConstant,  // 'c', with quotes
  kNumber,
  kString,     // "...", with quotes
  kRawString,  // `...`, with quotes
  kDot,
  kField,     // .Name
  kVariable,  // $ or $name
  kIdentifier,
  kKeyword,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t pos = 0;  // byte in the source
  uint32_t line = 1;
  std::string_view text;  // into the source; kText: after trimming
};

struct TokenList {
  std::vector<Token> tokens;  // ends in kEnd or kError
  std::string error;          // backs the text of the kError token
};

// REQUIRES: `source` outlives the tokens.
TokenList LexTemplate(std::string_view source);

}  // namespace tocsin::alerting
