#include "storage/opened_group.h"

#include <utility>

namespace tocsin::storage {

Result<std::shared_ptr<OpenedGroup>> OpenedGroup::Load(const RocksStore& store,
                                                       const SealedFile& file, uint64_t group) {
  std::shared_ptr<OpenedGroup> out(new OpenedGroup(file.id, group));
  TOCSIN_RETURN_IF_ERROR(file.header.kind == FileKind::kDay ? out->LoadIndex(store)
                                                            : out->LoadParts(store));
  return out;
}

Status OpenedGroup::LoadParts(const RocksStore& store) {
  uint64_t damaged = 0;
  TOCSIN_RETURN_IF_ERROR(store.ScanReadable(
      Family::kRaw, keys::Segment(file_, group_, 0), keys::Segment(file_, group_ + 1, 0),
      [&](std::string_view key, std::string_view value) {
        const auto parsed = keys::ParseRaw(key);
        if (!parsed || parsed->group != group_ || parsed->kind != keys::RawKey::Kind::kSegment)
          return false;
        parts_.push_back(std::make_unique<Part>());
        parts_.back()->blob.assign(value);
        return true;
      },
      &damaged));
  if (damaged > 0) damage_ = Error(ErrorCode::kCorruption, "a block is unreadable");
  uint64_t bytes = 0;
  for (const auto& part : parts_) {
    part->status = part->segment.Open(part->blob);
    if (damage_.ok()) damage_ = part->status;
    bytes += part->blob.capacity() + part->segment.memory_bytes();
  }
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return OkStatus();
}

Status OpenedGroup::LoadIndex(const RocksStore& store) {
  day_ = std::make_unique<Day>();
  auto index = store.Get(Family::kRaw, keys::Segment(file_, group_, 0));
  if (!index.ok()) {
    damage_ = index.error();
  } else if (!*index) {
    damage_ = Error(ErrorCode::kCorruption, "the index of a group is missing");
  } else {
    day_->index = **std::move(index);
    damage_ = day_->reader.OpenIndex(day_->index);
  }
  uint64_t bytes = sizeof(Day) + day_->index.capacity();
  for (size_t i = 0; i < day_->reader.segments(); ++i)
    bytes += day_->reader.segment(i).memory_bytes();
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return OkStatus();
}

Status OpenedGroup::Prepare(const RocksStore& store, unsigned slot) {
  if (day_ == nullptr || !damage_.ok()) return damage_;
  const unsigned k = slot / kDaySlots;
  if (day_->opened[k].load(std::memory_order_acquire)) return OkStatus();
  bool has = false;
  for (size_t i = 0; i < day_->reader.segments(); ++i)
    has = has || day_->reader.segment(i).Has(slot);
  return has ? OpenColumns(store, k) : OkStatus();
}

// Damage is remembered, as the bytes will not change; that the disk did not answer is not.
Status OpenedGroup::OpenColumns(const RocksStore& store, unsigned k) {
  Day& day = *day_;
  std::lock_guard lock(day.mutex);
  if (day.opened[k].load(std::memory_order_relaxed)) return OkStatus();
  if (!day.damage[k].ok()) return day.damage[k];
  auto columns =
      store.Get(Family::kRaw, keys::Segment(file_, group_, static_cast<uint16_t>(k + 1)));
  if (!columns.ok()) return columns.error();
  if (!*columns) return Error(ErrorCode::kCorruption, "columns of a group are missing");
  day.columns[k] = **std::move(columns);
  bytes_.fetch_add(day.columns[k].capacity(), std::memory_order_relaxed);
  day.damage[k] = day.reader.OpenPart(k, day.columns[k]);
  if (day.damage[k].ok()) day.opened[k].store(true, std::memory_order_release);
  return day.damage[k];
}

}  // namespace tocsin::storage
