#include "http/api/label_escape.h"

#include <charconv>
#include <cstdint>

namespace tocsin::http {

namespace {

constexpr std::string_view kPrefix = "U__";

bool AppendRune(std::string& out, uint32_t rune) {
  if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) return false;
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (rune < 0x80) {
    put(rune);
  } else if (rune < 0x800) {
    put(0xc0 | rune >> 6);
    put(0x80 | (rune & 0x3f));
  } else if (rune < 0x10000) {
    put(0xe0 | rune >> 12);
    put(0x80 | (rune >> 6 & 0x3f));
    put(0x80 | (rune & 0x3f));
  } else {
    put(0xf0 | rune >> 18);
    put(0x80 | (rune >> 12 & 0x3f));
    put(0x80 | (rune >> 6 & 0x3f));
    put(0x80 | (rune & 0x3f));
  }
  return true;
}

}  // namespace

std::string UnescapeName(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::string(name);
  const std::string_view text = name.substr(kPrefix.size());
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const size_t end = text.find('_', i + 1);
    if (end == std::string_view::npos) return std::string(name);
    if (end == i + 1) {
      out += '_';
      i = end;
      continue;
    }
    uint32_t rune = 0;
    const auto [stop, error] = std::from_chars(text.data() + i + 1, text.data() + end, rune, 16);
    if (error != std::errc() || stop != text.data() + end || !AppendRune(out, rune)) {
      return std::string(name);
    }
    i = end;
  }
  return out;
}

}  // namespace tocsin::http
