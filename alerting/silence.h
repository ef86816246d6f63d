// A silence: alerts that hold its matchers are not notified between two times.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "storage/base/time.h"
#include "storage/model/matcher.h"

namespace tocsin::alerting {

struct Silence {
  std::string id;  // uuid
  std::vector<Matcher> matchers;
  Timestamp starts_at, ends_at, updated_at;
  std::string created_by, comment;
  std::vector<std::pair<std::string, std::string>> annotations;
};

enum class SilenceState { kPending, kActive, kExpired };

}  // namespace tocsin::alerting
