// Builds the tree of a template.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "alerting/template/ast.h"
#include "storage/base/result.h"

namespace tocsin::alerting {

// Parses `text`: the body under `name`, and every {{define}} and {{block}} in it, are added to
// `definitions`. One that is empty does not replace one that is not. Errors read "template:
// <name>:<line>: <what>" and leave `definitions` as it was.
Status ParseTemplate(std::string_view name, std::string_view text,
                     const std::function<bool(std::string_view)>& is_function,
                     DefinitionMap& definitions);

}  // namespace tocsin::alerting
