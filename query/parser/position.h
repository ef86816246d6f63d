// Where in a query text something was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::query {

// Half-open range of byte offsets into the text of the query.
struct PositionRange {
  uint32_t start = 0;
  uint32_t end = 0;

  bool operator==(const PositionRange&) const = default;
};

// "line:column" of a byte offset, both from 1, columns in bytes: as errors and annotations show it.
std::string LineColumn(std::string_view text, uint32_t offset);

}  // namespace tocsin::query
