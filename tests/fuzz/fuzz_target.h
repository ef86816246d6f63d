// What a file tests/fuzz/<name>_fuzz.cc defines: one entry point, and inputs to start from. Adding
// a target is such a file and one line in CMakeLists.txt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::fuzz {

// Takes any bytes and returns. Whatever should hold of them is checked with TOCSIN_CHECK, which
// ends the process as a crash does. The memory ends with the input: ASan sees reads behind it.
void RunOne(std::string_view input);

// Valid inputs of every shape, small ones.
std::vector<std::string> Seeds();

}  // namespace tocsin::fuzz
