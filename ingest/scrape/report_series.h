// The series tocsin itself writes about every scrape: `up` and its kin.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tocsin::ingest {

// In the order of the values. The last three only with extra_scrape_metrics.
inline constexpr std::array<std::string_view, 8> kReportSeries = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
};
inline constexpr size_t kBasicReportSeries = 5;

struct ScrapeReport {
  bool up = false;
  double duration_seconds = 0;
  uint64_t scraped = 0, post_relabeling = 0, added = 0;
  double timeout_seconds = 0;
  uint64_t sample_limit = 0;
  double body_bytes = 0;  // -1: over the limit, 0: other failure

  // REQUIRES: out.size() <= kReportSeries.size().
  void Write(std::span<double> out) const {
    const std::array<double, kReportSeries.size()> values = {
        up ? 1.0 : 0.0,
        duration_seconds,
        static_cast<double>(scraped),
        static_cast<double>(post_relabeling),
        static_cast<double>(added),
        timeout_seconds,
        static_cast<double>(sample_limit),
        body_bytes,
    };
    for (size_t i = 0; i < out.size(); ++i) out[i] = values[i];
  }
};

}  // namespace tocsin::ingest
