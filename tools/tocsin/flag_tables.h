// Every flag the server knows, as data.
#pragma once

#include <span>
#include <string_view>

namespace tocsin {

struct FlagSpec {
  std::string_view name;  // without the dashes
  // Of a flag with a value; of a switch (given alone, as --no-x or as --x=false) "true" or "false".
  std::string_view fallback;
  std::string_view help;
  bool is_switch = false;
  bool repeats = false;  // values add up
};

// A flag of Prometheus or Alertmanager that has nothing to act on here.
struct IgnoredFlag {
  std::string_view name;
  std::string_view why;
  bool is_switch = false;
};

std::span<const FlagSpec> HonouredFlags();
std::span<const IgnoredFlag> IgnoredFlags();
// Accepting these without acting on them would open a door or lose data.
std::span<const IgnoredFlag> RefusedFlags();

// --enable-feature names without effect: `why` is empty for what is always on.
struct IdleFeature {
  std::string_view name;
  std::string_view why;
};
std::span<const IdleFeature> IdleFeatures();

}  // namespace tocsin
