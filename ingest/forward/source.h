// Where forwarding reads: windows of time out of the store, closed once the samples of that time
// have surely arrived.
#pragma once

#include <vector>

#include "storage/queryable.h"

namespace tocsin::ingest {

// All samples with from < t <= to, by series, each in time order.
struct ForwardWindow {
  struct Series {
    Labels labels;
    std::vector<Timestamp> times;
    std::vector<double> values;
  };

  Timestamp from, to;
  std::vector<Series> series;  // in the order of their labels: the same window reads the same twice
  size_t samples = 0;
  size_t histograms = 0;  // left out
};

// Reads one window; the whole of it is in memory. Blocks on the disk: for a worker.
Result<ForwardWindow> ReadForwardWindow(const storage::Queryable& store, Timestamp from,
                                        Timestamp to);

}  // namespace tocsin::ingest
