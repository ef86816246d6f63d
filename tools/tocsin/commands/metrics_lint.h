// What is unusual about a page of metrics: names, units, types and help texts. The checks are those
// of Prometheus' promlint.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/metadata.h"

namespace tocsin::commands {

struct MetricFamily {
  bool has_help = false;
  bool has_type = false;
  MetricType type = MetricType::kUnknown;
  size_t series = 0;
  std::vector<std::string> label_names;  // each once
};

// By the name of the family: series of histograms and summaries belong to theirs.
using MetricFamilies = std::map<std::string, MetricFamily>;

// kInvalidArgument when the page does not parse.
Result<MetricFamilies> ReadMetricFamilies(std::string_view page);

// "<metric> <problem>", sorted.
std::vector<std::string> LintMetrics(const MetricFamilies& families);

}  // namespace tocsin::commands
