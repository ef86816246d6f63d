// An exemplar: one example of what a series counts, usually with the id of a trace.
#pragma once

#include <vector>

#include "storage/base/time.h"
#include "storage/model/labels.h"

namespace tocsin {

struct Exemplar {
  Labels labels;
  double value = 0;
  Timestamp t;
  // Whether the source told the time. One without is the same as long as labels and value are.
  bool has_own_time = true;
};

// The exemplars of one series, ascending in time.
struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;
};

}  // namespace tocsin
