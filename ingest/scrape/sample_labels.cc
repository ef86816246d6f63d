#include "ingest/scrape/sample_labels.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::ingest {
namespace {

constexpr std::string_view kExportedPrefix = "exported_";

}  // namespace

Result<std::optional<Labels>> SampleLabels::Make(std::string_view series, MetricType type) {
  TOCSIN_RETURN_IF_ERROR(ParseSeriesText(series, &parsed_));
  NormalizeBucketLabels(type, &parsed_);
  Merge();
  if (!config_.metric_relabel_configs.empty() &&
      !Relabel(config_.metric_relabel_configs, builder_)) {
    return std::optional<Labels>();
  }
  Labels labels = builder_.Build();
  if (labels.empty()) return std::optional<Labels>();
  TOCSIN_RETURN_IF_ERROR(Check(labels));
  TOCSIN_RETURN_IF_ERROR(CheckLimits(labels));
  return std::optional<Labels>(std::move(labels));
}

void SampleLabels::Merge() {
  builder_.Reset();
  for (const auto& [name, value] : parsed_) builder_.Set(name, value);
  const auto exposed = [this](std::string_view name) {
    return std::find_if(parsed_.begin(), parsed_.end(),
                        [name](const auto& label) { return label.first == name; });
  };
  if (config_.honor_labels) {
    // An exposed label wins even when empty: then there is none.
    for (const Label& label : target_) {
      if (exposed(label.name) == parsed_.end()) builder_.Set(label.name, label.value);
    }
    return;
  }
  std::vector<std::pair<std::string_view, std::string_view>> clashing;
  for (const Label& label : target_) {
    const auto found = exposed(label.name);
    if (found != parsed_.end() && !found->second.empty())
      clashing.emplace_back(label.name, found->second);
    builder_.Set(label.name, label.value);
  }
  std::stable_sort(clashing.begin(), clashing.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (const auto& [name, value] : clashing) {
    std::string free_name(name);
    do {
      free_name.insert(0, kExportedPrefix);
    } while (!builder_.Get(free_name).empty());
    builder_.Set(free_name, value);
  }
}

Status SampleLabels::Check(const Labels& labels) const {
  const std::string_view name = labels.name();
  if (name.empty()) return InvalidArgument("missing metric name (__name__ label)");
  bool valid = config_.legacy_names ? IsLegacyMetricName(name) : IsValidUtf8(name);
  for (const Label& label : labels) {
    if (label.name == kMetricName) continue;
    valid = valid && IsValidUtf8(label.value) &&
            (config_.legacy_names ? IsLegacyLabelName(label.name) : IsValidLabelName(label.name));
  }
  if (valid) return OkStatus();
  return InvalidArgument("invalid metric name or label names: " + labels.ToSetString());
}

Status SampleLabels::CheckLimits(const Labels& labels) const {
  const std::string_view metric = labels.name().substr(0, 50);
  if (config_.label_limit != 0) {
    if (const size_t count = labels.size(); count > config_.label_limit) {
      return Error(ErrorCode::kLimit,
                   fmt::format("label_limit exceeded (metric: {}, number of labels: {}, limit: {})",
                               metric, count, config_.label_limit));
    }
  }
  const uint64_t name_limit = config_.label_name_length_limit;
  const uint64_t value_limit = config_.label_value_length_limit;
  if (name_limit == 0 && value_limit == 0) return OkStatus();
  for (const Label& label : labels) {
    if (name_limit != 0 && label.name.size() > name_limit) {
      return Error(ErrorCode::kLimit,
                   fmt::format("label_name_length_limit exceeded (metric: {}, label name: {}, "
                               "length: {}, limit: {})",
                               metric, label.name.substr(0, 50), label.name.size(), name_limit));
    }
    if (value_limit != 0 && label.value.size() > value_limit) {
      return Error(
          ErrorCode::kLimit,
          fmt::format("label_value_length_limit exceeded (metric: {}, label name: {}, value: "
                      "\"{}\", length: {}, limit: {})",
                      metric, label.name.substr(0, 50), label.value.substr(0, 50),
                      label.value.size(), value_limit));
    }
  }
  return OkStatus();
}

}  // namespace tocsin::ingest
