// Native histograms as text, where PromQL needs one: count_values, templates.
#pragma once

#include <string>

#include "storage/model/histogram.h"

namespace tocsin::query {

// {count:12, sum:20, [-2,-1):3, [-0.001,0.001]:2, (0.5,1]:2}
std::string HistogramText(const Histogram& h);

}  // namespace tocsin::query
