#include "storage/directory.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <atomic>
#include <tuple>
#include <utility>

namespace tocsin::storage {

uint64_t SealedFile::NextNumber() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

bool Tombstone::Masks(const SealedFile& file, uint64_t series_id) const {
  return file.header.covers.back() <= bound_seal_seq && file.header.tombstone < number &&
         file.Overlaps(from, to) && std::binary_search(series.begin(), series.end(), series_id);
}

void Directory::Sort() {
  std::sort(files.begin(), files.end(), [](const SealedFilePtr& a, const SealedFilePtr& b) {
    if (a->id.day != b->id.day) return a->id.day < b->id.day;
    if (a->id.retention_class != b->id.retention_class)
      return a->id.retention_class < b->id.retention_class;
    const uint64_t covers_a = a->header.covers.front();
    const uint64_t covers_b = b->header.covers.front();
    return covers_a != covers_b ? covers_a < covers_b : a->id < b->id;
  });
  std::sort(levels.begin(), levels.end(), [](const SealedFilePtr& a, const SealedFilePtr& b) {
    return std::tie(a->id.level, a->id.day, a->id.retention_class, a->id.seal_seq) <
           std::tie(b->id.level, b->id.day, b->id.retention_class, b->id.seal_seq);
  });
}

Timestamp Directory::EdgeOf(uint8_t retention_class, Level level) const {
  const auto edge = edges.find({retention_class, static_cast<uint8_t>(level)});
  return edge == edges.end() ? kMinTimestamp : edge->second;
}

Timestamp Directory::RawEdge() const {
  Timestamp oldest = EdgeOf(0, Level::kRaw);
  for (const SealedFilePtr& file : files)
    if (file->id.retention_class != 0)
      oldest = std::min(oldest, EdgeOf(file->id.retention_class, Level::kRaw));
  return oldest;
}

Timestamp Directory::OldestEdge() const {
  Timestamp oldest = RawEdge();
  for (const SealedFilePtr& file : levels) oldest = std::min(oldest, DayStart(file->id.day));
  return oldest;
}

std::span<const SealedFilePtr> Directory::LevelsOf(Level level, uint16_t day) const {
  const auto key = std::make_pair(static_cast<uint8_t>(level), day);
  const auto of = [](const SealedFilePtr& f) { return std::make_pair(f->id.level, f->id.day); };
  const auto begin = std::partition_point(levels.begin(), levels.end(),
                                          [&](const SealedFilePtr& f) { return of(f) < key; });
  const auto end = std::partition_point(begin, levels.end(),
                                        [&](const SealedFilePtr& f) { return of(f) == key; });
  return {begin, end};
}

const SealedFile* LevelFileOf(std::span<const SealedFilePtr> levels, uint8_t retention_class,
                              uint64_t group) {
  const SealedFile* found = nullptr;
  for (const SealedFilePtr& file : levels)
    if (file->id.retention_class == retention_class && file->header.groups.Contains(group))
      found = file.get();
  return found;
}

bool IsComplete(const SealedFile& level, std::span<const SealedFilePtr> raw, uint64_t group) {
  return std::all_of(raw.begin(), raw.end(), [&](const SealedFilePtr& file) {
    return file->id.retention_class != level.id.retention_class ||
           !file->header.groups.Contains(group) ||
           level.header.built_from.ContainsAll(file->header.covers);
  });
}

std::span<const SealedFilePtr> Directory::OfDays(Timestamp from, Timestamp to) const {
  if (from > to || to < kMinStorable || from > kMaxStorable) return {};
  const uint16_t first_day = DayOf(std::max(from, kMinStorable));
  const uint16_t last_day = DayOf(std::min(to, kMaxStorable));
  const auto begin =
      std::lower_bound(files.begin(), files.end(), first_day,
                       [](const SealedFilePtr& f, uint16_t day) { return f->id.day < day; });
  const auto end =
      std::upper_bound(begin, files.end(), last_day,
                       [](uint16_t day, const SealedFilePtr& f) { return day < f->id.day; });
  return {begin, end};
}

Directories::Directories() : current_(std::make_shared<const Directory>()) {}

DirectoryPtr Directories::View() const {
  std::lock_guard lock(mutex_);
  return current_;
}

void Directories::Publish(Directory next) {
  next.Sort();
  auto version = std::make_shared<const Directory>(std::move(next));
  std::lock_guard lock(mutex_);
  const auto note_dropped = [this](const std::vector<SealedFilePtr>& before,
                                   const std::vector<SealedFilePtr>& after) {
    const absl::flat_hash_set<const SealedFile*> kept = [&] {
      absl::flat_hash_set<const SealedFile*> all;
      for (const SealedFilePtr& file : after) all.insert(file.get());
      return all;
    }();
    for (const SealedFilePtr& file : before)
      if (!kept.contains(file.get())) dropped_.push_back({file->id, file});
  };
  note_dropped(current_->files, version->files);
  note_dropped(current_->levels, version->levels);
  older_.push_back(current_);
  current_ = std::move(version);
}

uint64_t Directories::OldestPublished() const {
  std::lock_guard lock(mutex_);
  uint64_t oldest = current_->published;
  std::erase_if(older_, [&](const std::weak_ptr<const Directory>& weak) {
    const DirectoryPtr held = weak.lock();
    if (held == nullptr) return true;
    oldest = std::min(oldest, held->published);
    return false;
  });
  return oldest;
}

std::vector<keys::FileId> Directories::TakeUnused() {
  std::lock_guard lock(mutex_);
  std::vector<keys::FileId> unused;
  std::erase_if(dropped_, [&](const Dropped& dropped) {
    if (!dropped.file.expired()) return false;
    unused.push_back(dropped.id);
    return true;
  });
  return unused;
}

bool Directories::HasUnused() const {
  std::lock_guard lock(mutex_);
  return !dropped_.empty();
}

}  // namespace tocsin::storage
