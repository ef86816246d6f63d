#include "tools/tocsin/commands/text_table.h"

#include <algorithm>

namespace tocsin::commands {
namespace {

// Runes, as Go's tabwriter counts.
size_t Width(const std::string& cell) {
  return static_cast<size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string FormatTable(const std::vector<std::vector<std::string>>& rows, bool pad_last,
                        size_t gap) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (pad_last || i + 1 < row.size()) out.append(widths[i] - Width(row[i]) + gap, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace tocsin::commands
