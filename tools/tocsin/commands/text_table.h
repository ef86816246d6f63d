// Tables as amtool prints them: columns as wide as their widest cell and two spaces more.
#pragma once

#include <string>
#include <vector>

namespace tocsin::commands {

// `pad_last`: the last column is filled up as well.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows, bool pad_last = true,
                        size_t gap = 2);

}  // namespace tocsin::commands
