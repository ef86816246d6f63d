#include "query/parser/position.h"

namespace tocsin::query {

std::string LineColumn(std::string_view text, uint32_t offset) {
  if (text.empty()) return "unknown position";
  if (offset > text.size()) return "invalid position";
  size_t line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < offset; ++i) {
    if (text[i] != '\n') continue;
    ++line;
    line_start = i + 1;
  }
  return std::to_string(line) + ":" + std::to_string(offset - line_start + 1);
}

}  // namespace tocsin::query
