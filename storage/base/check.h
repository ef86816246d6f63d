// For programmers' mistakes only: no input from outside may ever trip one.
#pragma once

#include <string_view>

namespace tocsin {

// Prints "BUG: file:line: text" to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              std::string_view message);

#define TOCSIN_CHECK(condition, message)                                              \
  do {                                                                                \
    if (!(condition)) ::tocsin::CheckFailed(__FILE__, __LINE__, #condition, message); \
  } while (false)

}  // namespace tocsin
