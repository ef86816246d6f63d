// Runs a parsed template.
#pragma once

#include <string>

#include "alerting/template/ast.h"
#include "alerting/template/template.h"
#include "storage/base/result.h"

namespace tocsin::alerting {

// Runs the definition `name`. Bounded: 1,000,000 steps, 1,000 nested calls and structures, 64 MiB
// of values, kMaxTemplateOutput bytes of output; beyond is kLimit. Other errors are kExecution and
// read as Go's.
Result<std::string> ExecuteTemplate(const DefinitionMap& definitions, std::string_view name,
                                    const TemplateValue& dot, const FunctionTable& functions,
                                    bool html);

}  // namespace tocsin::alerting
