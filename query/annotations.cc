#include "query/annotations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "storage/base/time.h"
#include "storage/model/duration.h"

namespace tocsin::query {
namespace {

std::string Positioned(std::string_view text, std::string_view query, uint32_t offset) {
  return fmt::format("{} ({})", text, LineColumn(query, offset));
}

std::string FixText(const std::string& head, const MonotonicityFix& fix) {
  char numbers[160];
  std::snprintf(numbers, sizeof(numbers), ", from buckets %g to %g, with a max diff of %.2g",
                fix.min_bucket, fix.max_bucket, fix.max_difference);
  return fmt::format("{}{}, over {} samples from {} to {}", head, numbers, fix.samples,
                     FormatRfc3339(Timestamp{fix.first_ms}), FormatRfc3339(Timestamp{fix.last_ms}));
}

std::vector<std::string> Limited(std::vector<std::string> all, size_t limit,
                                 std::string_view level) {
  if (all.size() <= limit) return all;
  size_t more = all.size() - limit;
  all.resize(limit);
  all.push_back(fmt::format("{} more {} annotations omitted", more, level));
  return all;
}

}  // namespace

void Annotations::WarnCounted(std::string_view text, PositionRange pos) {
  ++warnings_.try_emplace({text, pos.start}, 0).first->second;
}

void Annotations::InfoMonotonicity(std::string_view name, PositionRange pos,
                                   const MonotonicityFix& fix) {
  std::string head =
      "input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
  if (!name.empty()) head += fmt::format(" for metric name \"{}\"", name);
  JoinFix({head, pos.start}, fix);
}

void Annotations::JoinFix(const Key& key, const MonotonicityFix& fix) {
  auto [it, added] = fixes_.try_emplace(key, fix);
  if (added) return;
  MonotonicityFix& have = it->second;
  have.min_bucket = std::min(have.min_bucket, fix.min_bucket);
  have.max_bucket = std::max(have.max_bucket, fix.max_bucket);
  have.max_difference = std::max(have.max_difference, fix.max_difference);
  have.first_ms = std::min(have.first_ms, fix.first_ms);
  have.last_ms = std::max(have.last_ms, fix.last_ms);
  have.samples += fix.samples;
}

void Annotations::Join(Annotations other) {
  for (const auto& [key, times] : other.warnings_)
    warnings_.try_emplace(key, 0).first->second += times;
  infos_.merge(other.infos_);
  for (const auto& [key, fix] : other.fixes_) JoinFix(key, fix);
}

std::vector<std::string> Annotations::Warnings(std::string_view query, size_t limit) const {
  std::vector<std::string> all;
  for (const auto& [key, times] : warnings_) {
    std::string text = "PromQL warning: " + key.text;
    if (times > 1) text += fmt::format(" ({} occurrences)", times);
    all.push_back(Positioned(text, query, key.offset));
  }
  return Limited(std::move(all), limit, "warning");
}

std::vector<std::string> Annotations::Infos(std::string_view query, size_t limit) const {
  std::vector<std::string> all;
  for (const auto& [key, unused] : infos_) {
    all.push_back(Positioned("PromQL info: " + key.text, query, key.offset));
  }
  for (const auto& [key, fix] : fixes_) {
    all.push_back(Positioned(FixText("PromQL info: " + key.text, fix), query, key.offset));
  }
  return Limited(std::move(all), limit, "info");
}

}  // namespace tocsin::query
