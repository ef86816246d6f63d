#include "query/functions/range.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::query {

std::span<const WindowIndex::Window> WindowIndex::Of(std::span<const int64_t> times) {
  if (!windows_.empty() && std::ranges::equal(times, times_)) return windows_;
  times_.assign(times.begin(), times.end());
  extrapolations_.clear();
  covered_.reset();
  windows_.resize(grid_.count);
  const auto n = static_cast<uint32_t>(times.size());
  uint32_t first = 0, last = 0;
  for (size_t i = 0; i < grid_.count; ++i) {
    const int64_t end = grid_.end(i), start = end - grid_.range_ms;
    while (last < n && times[last] <= end) ++last;
    while (first < last && times[first] <= start) ++first;
    windows_[i] = {first, last};
  }
  return windows_;
}

SampleCount WindowIndex::Covered(std::span<const int64_t> times) {
  const std::span<const Window> windows = Of(times);
  if (covered_) return *covered_;
  SampleCount n;
  uint32_t seen = 0;
  for (const auto [first, last] : windows) {
    n.queryable += last - first;
    n.read += last - std::max(first, std::min(seen, last));
    seen = std::max(seen, last);
  }
  covered_ = n;
  return n;
}

// As Prometheus extrapolates: to the edges of the window when samples come close enough to them,
// else by half the average distance of two samples.
std::span<const WindowIndex::Extrapolation> WindowIndex::ExtrapolationsOf(
    std::span<const int64_t> times, double divisor) {
  Of(times);
  if (!extrapolations_.empty()) return extrapolations_;
  extrapolations_.resize(windows_.size());
  for (size_t i = 0; i < windows_.size(); ++i) {
    const auto [first, last] = windows_[i];
    if (last - first < 2) continue;
    Extrapolation& e = extrapolations_[i];
    const int64_t end = grid_.end(i);
    e.to_start = static_cast<double>(times[first] - (end - grid_.range_ms)) / 1000;
    e.to_end = static_cast<double>(end - times[last - 1]) / 1000;
    e.sampled = static_cast<double>(times[last - 1] - times[first]) / 1000;
    const double average = e.sampled / static_cast<double>(last - first - 1);
    const double threshold = average * 1.1;
    if (e.to_start >= threshold) e.to_start = average / 2;
    if (e.to_end >= threshold) e.to_end = average / 2;
    e.factor = e.FactorFrom(e.to_start, divisor);
  }
  return extrapolations_;
}

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
