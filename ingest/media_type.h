// What a Content-Type header says first. Pure; any thread.
#pragma once

#include <string_view>

namespace tocsin::ingest {

inline std::string_view TrimSpaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Without the parameters.
inline std::string_view MediaType(std::string_view content_type) {
  return TrimSpaces(content_type.substr(0, content_type.find(';')));
}

}  // namespace tocsin::ingest
