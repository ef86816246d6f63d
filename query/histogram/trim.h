// The operators </ and >/: a native histogram cut at a value.
#pragma once

#include "query/value.h"

namespace tocsin::query {

// Keeps what is at or below / above x; `h` itself when nothing changes.
HistogramPtr KeepBelow(const HistogramPtr& h, double x);
HistogramPtr KeepAbove(const HistogramPtr& h, double x);

}  // namespace tocsin::query
