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
};

// The exemplars of one series, ascending in time.
struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;
};

}  // namespace tocsin
