#include "storage/group_cache.h"

namespace tocsin::storage {
namespace {

// Of the list, the table and the allocator, an entry.
constexpr uint64_t kEntryBytes = 128;

}  // namespace

std::shared_ptr<OpenedGroup> GroupCache::Find(const SealedFile& file, uint64_t group) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(Key{file.number, group});
  if (found == by_key_.end()) {
    ++stats_.misses;
    return nullptr;
  }
  ++stats_.hits;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->group;
}

void GroupCache::Add(const SealedFile& file, uint64_t group, std::shared_ptr<OpenedGroup> opened) {
  const uint64_t bytes = opened->memory_bytes() + kEntryBytes;
  // One that would drive out most others is not worth it.
  if (bytes > max_bytes_ / 4) return;
  std::lock_guard lock(mutex_);
  const auto [place, fresh] = by_key_.try_emplace(Key{file.number, group});
  if (!fresh) return;  // another reader was quicker
  entries_.push_front({place->first, std::move(opened), bytes});
  place->second = entries_.begin();
  stats_.bytes += bytes;
  Shrink();
}

void GroupCache::Weigh(const SealedFile& file, uint64_t group) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(Key{file.number, group});
  if (found == by_key_.end()) return;
  Entry& entry = *found->second;
  stats_.bytes -= entry.bytes;
  entry.bytes = entry.group->memory_bytes() + kEntryBytes;
  stats_.bytes += entry.bytes;
  Shrink();
}

void GroupCache::Shrink() {
  while (stats_.bytes > max_bytes_ && !entries_.empty()) {
    stats_.bytes -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

GroupCache::Stats GroupCache::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace tocsin::storage
