// What a metric family is, as its exposition says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

// On disk as u8 and in remote_write as the enum: values may not change.
enum class MetricType : uint8_t {
  kUnknown = 0,
  kCounter = 1,
  kGauge = 2,
  kHistogram = 3,
  kGaugeHistogram = 4,
  kSummary = 5,
  kInfo = 6,
  kStateset = 7,
};
std::string_view MetricTypeName(MetricType type);  // "counter", ..., "unknown"

struct Metadata {
  MetricType type = MetricType::kUnknown;
  std::string unit;
  std::string help;
  bool operator==(const Metadata&) const = default;
};

}  // namespace tocsin
