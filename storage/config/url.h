// URLs of configurations, as they may be shown.
#pragma once

#include <string>

namespace tocsin {

// http://user:password@host becomes http://user:<secret>@host; anything else stays.
std::string WithoutUrlPassword(const std::string& text);

}  // namespace tocsin
