// Query results as JSON, appended to the answer as they are: no tree in between. Any thread.
#pragma once

#include <span>
#include <string>

#include "query/value.h"
#include "storage/model/exemplar.h"

namespace tocsin::http {

// [[boundary,"lower","upper","count"],...] and the totals; empty buckets are left out.
void AppendHistogram(std::string& out, const Histogram& histogram);

// [{"seriesLabels":{},"exemplars":[{"labels":{},"value":"6","timestamp":1.5}]}]
void AppendExemplars(std::string& out, std::span<const SeriesExemplars> all);

// The "result" of a query: [{"metric":{},"value":[t,"v"]}], ...
void AppendResult(std::string& out, const query::Value& value);

}  // namespace tocsin::http
