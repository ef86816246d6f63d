#include "storage/directory.h"

#include <algorithm>
#include <utility>

namespace tocsin::storage {

bool Tombstone::Masks(const SealedFile& file, uint64_t series_id) const {
  return file.header.covers.back() <= bound_seal_seq && file.header.tombstone < number &&
         file.Overlaps(from, to) && std::binary_search(series.begin(), series.end(), series_id);
}

void Directory::Sort() {
  std::sort(files.begin(), files.end(), [](const SealedFilePtr& a, const SealedFilePtr& b) {
    if (a->id.day != b->id.day) return a->id.day < b->id.day;
    const uint64_t covers_a = a->header.covers.front();
    const uint64_t covers_b = b->header.covers.front();
    return covers_a != covers_b ? covers_a < covers_b : a->id < b->id;
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
  for (const SealedFilePtr& file : current_->files)
    if (std::find(version->files.begin(), version->files.end(), file) == version->files.end())
      dropped_.push_back({file->id, file});
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
