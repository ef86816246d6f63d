// What the configuration says about how long which series are kept.
#pragma once

#include <optional>
#include <vector>

#include "storage/base/time.h"
#include "storage/model/matcher.h"

namespace tocsin::storage {

// Longer than anything stored.
inline constexpr Duration kKeepForever{int64_t{1} << 50};

// Times count from the newest sample; 0: not kept; absent: as series without a rule.
struct RetentionRule {
  std::vector<std::vector<Matcher>> selectors;  // any of them
  std::optional<Duration> raw, five_minutes, one_hour;
};

// The first rule that matches a series counts. Series without a rule keep raw samples for the
// retention time, and levels as said here; absent: as long as raw samples.
struct RetentionRules {
  std::optional<Duration> five_minutes, one_hour;
  std::vector<RetentionRule> rules;
};

}  // namespace tocsin::storage
