// What every Prometheus exporter says about its own process, and what this build is.
#pragma once

#include "storage/base/metrics.h"
#include "storage/base/time.h"

namespace tocsin {

// Adds process_* and prometheus_build_info; values are read when asked for. `start`: of the
// process.
void AddProcessMetrics(MetricRegistry& metrics, Timestamp start);

}  // namespace tocsin
