// Names of labels in paths: U__http_2e_status stands for http.status. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::http {

// The name itself when it is not escaped, or badly.
std::string UnescapeName(std::string_view name);

}  // namespace tocsin::http
