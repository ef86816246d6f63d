// The functions every template has: eq, len, index, printf and kin.
#pragma once

#include "alerting/template/template.h"

namespace tocsin::alerting {

// Without `and` and `or`, which evaluate only what they need and so belong to the executor.
const FunctionTable& BuiltinFunctions();

// strings shown by html, js, urlquery: the one string, or Sprint of all arguments.
std::string JoinArguments(const std::vector<TemplateValue>& args);

}  // namespace tocsin::alerting
