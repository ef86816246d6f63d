// Which rules of a group may be evaluated and stored together: those that read nothing of what the
// others write.
#pragma once

#include <vector>

#include "rules/rule_file.h"

namespace tocsin::rules {

// For each rule whether it has to wait for the rules before it, back to the last one that had to:
// it reads the series of one of them (by name; ALERTS and ALERTS_FOR_STATE are those of alerting
// rules) or writes series of the same name, or what it reads is not known (a selector without a
// name, `query` in a template). The first rule never waits.
std::vector<bool> RulesThatWait(const GroupConfig& group);

}  // namespace tocsin::rules
