#include "storage/owners.h"

#include <algorithm>
#include <string>

#include "storage/base/coding.h"
#include "storage/key_schema.h"

namespace tocsin::storage {
namespace {

struct OwnerKey {
  uint64_t hash;
  OwnerKind kind;
};

OwnerKey OwnerOf(const Labels& labels, uint8_t retention_class) {
  const std::string_view job = labels.Get(kJobLabel);
  const std::string_view instance = labels.Get(kInstanceLabel);
  std::string key(1, static_cast<char>(retention_class));
  if (!job.empty() && !instance.empty()) {
    PutString(key, job);
    PutString(key, instance);
    return {Hash64(key, 1), OwnerKind::kJobInstance};
  }
  for (const Label& label : labels) {
    if (label.name == kMetricName || label.name == kBucketLabel || label.name == kQuantileLabel)
      continue;
    PutString(key, label.name);
    PutString(key, label.value);
  }
  return {Hash64(key, 2), OwnerKind::kOtherLabels};
}

}  // namespace

Placement Owners::Place(const Labels& labels, uint8_t retention_class) {
  const OwnerKey key = OwnerOf(labels, retention_class);
  Owner& owner = owners_[key.hash];
  if (owner.shared < kSharedSeries) {
    ++owner.shared;
    return {TakeSlot(shared_[retention_class]), OwnerKind::kShared};
  }
  return {TakeSlot(owner.fill), key.kind};
}

void Owners::Restore(const Labels& labels, const Placement& placement, uint8_t retention_class) {
  Owner& owner = owners_[OwnerOf(labels, retention_class).hash];
  if (placement.kind == OwnerKind::kShared) {
    if (owner.shared < kSharedSeries) ++owner.shared;
    RestoreFill(shared_[retention_class], placement.series_id);
  } else {
    owner.shared = kSharedSeries;
    RestoreFill(owner.fill, placement.series_id);
  }
  ReserveBelow(GroupOf(placement.series_id) + 1);
}

void Owners::ReserveBelow(uint64_t group) { next_group_ = std::max(next_group_, group); }

void Owners::StartNewGroups(uint64_t next_group) {
  ReserveBelow(next_group);
  shared_.clear();
  for (auto& [hash, owner] : owners_) owner.fill = {};
}

void Owners::ForgetBelow(uint64_t group) { lowest_open_ = std::max(lowest_open_, group); }

void Owners::Forget(std::span<const uint64_t> groups) {
  if (!groups.empty()) ForgetBelow(groups.back() + 1);
  const auto is_gone = [&](const Fill& fill) {
    return std::binary_search(groups.begin(), groups.end(), fill.group);
  };
  absl::erase_if(shared_, [&](auto& entry) { return is_gone(entry.second); });
  absl::erase_if(owners_, [&](auto& entry) { return is_gone(entry.second.fill); });
}

uint64_t Owners::TakeSlot(Fill& fill) {
  if (fill.group < lowest_open_ || fill.used == kGroupSlots) fill = {next_group_++, 0};
  return SeriesId(fill.group, fill.used++);
}

void Owners::RestoreFill(Fill& fill, uint64_t series_id) {
  const uint64_t group = GroupOf(series_id);
  const auto used = static_cast<uint8_t>(SlotOf(series_id) + 1);
  if (group < fill.group) return;
  if (group > fill.group) fill = {group, 0};
  fill.used = std::max(fill.used, used);
}

}  // namespace tocsin::storage
