// Query results as JSON, appended to the answer as they are: no tree in between. Any thread.
#pragma once

#include <string>

#include "query/value.h"

namespace tocsin::http {

// [[boundary,"lower","upper","count"],...] and the totals; empty buckets are left out.
void AppendHistogram(std::string& out, const Histogram& histogram);

// The "result" of a query: [{"metric":{},"value":[t,"v"]}], ...
void AppendResult(std::string& out, const query::Value& value);

}  // namespace tocsin::http
