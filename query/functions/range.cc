#include "query/functions/range.h"

#include <fmt/format.h>

namespace tocsin::query {

void WarnMixedKinds(RangeCall& call) {
  call.context.annotations.Warn(
      fmt::format("encountered a mix of histograms and floats for metric name \"{}\"",
                  call.metric_name),
      call.range_pos);
}

void WarnMixedSchemas(RangeCall& call) {
  call.context.annotations.Warn(
      fmt::format("vector contains a mix of histograms with exponential and custom buckets schemas "
                  "for metric name \"{}\"",
                  call.metric_name),
      call.range_pos);
}

void InfoIgnoredHistograms(RangeCall& call) {
  call.context.annotations.Info(
      fmt::format("ignored histograms in a range containing both floats and histograms for metric "
                  "name \"{}\"",
                  call.metric_name),
      call.range_pos);
}

void CheckForHistograms(RangeCall& call) {
  if (call.series.h.empty()) return;
  ForEachMixedWindow(call.series, call.windows, [&](size_t, const MixedWindow& w) {
    if (w.floats() > 0 && w.histograms() > 0) InfoIgnoredHistograms(call);
  });
}

}  // namespace tocsin::query
