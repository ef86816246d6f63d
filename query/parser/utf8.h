// Single characters of UTF-8 text. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::query {

struct DecodedRune {
  int32_t value = 0;
  uint32_t width = 0;  // bytes
};

// The first character; U+FFFD of width 1 when it is not valid UTF-8. REQUIRES: !text.empty().
DecodedRune DecodeRune(std::string_view text);
void AppendRune(std::string& out, uint32_t rune);
// In single quotes, as Go's %q prints a rune; '\ufffd' characters for what is none.
std::string QuoteRune(int32_t rune);

}  // namespace tocsin::query
