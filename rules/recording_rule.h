// A recording rule: stores the result of an expression under a name.
#pragma once

#include <vector>

#include "rules/rule.h"

namespace tocsin::rules {

// Pure: any thread. kExecution: "vector contains metrics with the same labelset after applying
// rule labels"; kLimit: "exceeded limit of %d with %d series".
Result<std::vector<RuleSample>> EvaluateRecordingRule(const RuleConfig& rule,
                                                      const EvaluationContext& context);

}  // namespace tocsin::rules
