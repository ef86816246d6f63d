#include "query/parser/utf8.h"

#include "storage/model/matcher.h"

namespace tocsin::query {

namespace {

constexpr DecodedRune kInvalid{0xfffd, 1};

}  // namespace

DecodedRune DecodeRune(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const uint32_t width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < width) return kInvalid;
  int32_t value = first & (0xff >> (width + 1));
  for (uint32_t i = 1; i < width; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return kInvalid;
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr int32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[width] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
    return kInvalid;
  }
  return {value, width};
}

void AppendRune(std::string& out, uint32_t rune) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (rune < 0x80) return put(rune);
  if (rune < 0x800) {
    put(0xc0 | rune >> 6);
  } else if (rune < 0x10000) {
    put(0xe0 | rune >> 12);
    put(0x80 | (rune >> 6 & 0x3f));
  } else {
    put(0xf0 | rune >> 18);
    put(0x80 | (rune >> 12 & 0x3f));
    put(0x80 | (rune >> 6 & 0x3f));
  }
  put(0x80 | (rune & 0x3f));
}

std::string QuoteRune(int32_t rune) {
  if (rune < 0 || rune > 0x10ffff) rune = 0xfffd;
  if (rune == '"') return "'\"'";
  if (rune == '\'') return "'\\''";
  std::string text;
  AppendRune(text, static_cast<uint32_t>(rune));
  std::string quoted;
  AppendGoQuoted(quoted, text);
  quoted.front() = '\'';
  quoted.back() = '\'';
  return quoted;
}

}  // namespace tocsin::query
