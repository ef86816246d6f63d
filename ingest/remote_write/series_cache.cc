#include "ingest/remote_write/series_cache.h"

#include <string>
#include <utility>

#include "storage/base/coding.h"

namespace tocsin::ingest {

class SeriesCache::Generation {
 public:
  Generation() : places_(0, HashOf{this}, SameHash{this}) {}

  size_t size() const { return size_; }
  Entry& at(uint32_t place) { return pages_[place / kPage][place % kPage]; }
  const Entry& at(uint32_t place) const { return pages_[place / kPage][place % kPage]; }

  // kNone when unknown.
  uint32_t Find(const Key& key) const {
    const auto it = places_.find(key.hash);
    return it != places_.end() && at(*it).Is(key) ? *it : kNone;
  }
  // Takes the place of one with the same hash.
  uint32_t Put(const Key& key, SeriesRef ref) {
    const auto it = places_.find(key.hash);
    const uint32_t place = it != places_.end() ? *it : Append(key.hash);
    Entry& entry = at(place);
    entry.check = static_cast<uint32_t>(key.check);
    entry.ref = ref;
    return place;
  }

 private:
  struct HashOf {
    using is_transparent = void;
    const Generation* of;
    size_t operator()(uint64_t hash) const { return hash; }
    size_t operator()(uint32_t place) const { return of->at(place).hash; }
  };
  struct SameHash {
    using is_transparent = void;
    const Generation* of;
    bool operator()(uint32_t a, uint32_t b) const { return of->at(a).hash == of->at(b).hash; }
    bool operator()(uint32_t a, uint64_t hash) const { return of->at(a).hash == hash; }
    bool operator()(uint64_t hash, uint32_t a) const { return of->at(a).hash == hash; }
  };

  uint32_t Append(uint64_t hash) {
    if (size_ == pages_.size() * kPage) pages_.push_back(std::make_unique<Entry[]>(kPage));
    const auto place = static_cast<uint32_t>(size_++);
    at(place).hash = hash;
    places_.insert(place);
    return place;
  }

  std::vector<std::unique_ptr<Entry[]>> pages_;
  size_t size_ = 0;
  absl::flat_hash_set<uint32_t, HashOf, SameHash> places_;
};

SeriesCache::SeriesCache(uint64_t seed)
    : seed_(seed), newer_(std::make_unique<Generation>()), older_(std::make_unique<Generation>()) {}

SeriesCache::~SeriesCache() = default;

SeriesCache::Key SeriesCache::KeyOf(std::string_view label_bytes) const {
  return {Hash64(label_bytes, seed_), Hash64(label_bytes, ~seed_)};
}

SeriesCache::Key SeriesCache::KeyOf(std::span<const uint32_t> label_refs,
                                    std::span<const Key> symbols) const {
  std::string keys;
  keys.reserve(label_refs.size() * sizeof(Key) + 1);
  for (const uint32_t ref : label_refs)
    keys.append(reinterpret_cast<const char*>(&symbols[ref]), sizeof(Key));
  keys.push_back(0);  // no protobuf field starts so: never the bytes of labels
  return KeyOf(keys);
}

SeriesRef SeriesCache::Cursor::Find(const Key& key) {
  Generation& newer = *cache_.newer_;
  Entry* before = nullptr;
  if (last_ != kNone && generation_ == cache_.generation_) {
    before = &newer.at(last_);
    const uint32_t next = before->next.load(std::memory_order_relaxed);
    if (next != kNone && newer.at(next).Is(key)) {
      last_ = next;
      return newer.at(next).ref;
    }
  }
  const uint32_t place = newer.Find(key);
  if (place != kNone) {
    if (before != nullptr) before->next.store(place, std::memory_order_relaxed);
    last_ = place;
    generation_ = cache_.generation_;
    return newer.at(place).ref;
  }
  const uint32_t old = cache_.older_->Find(key);
  if (old == kNone) return {};
  const SeriesRef ref = cache_.older_->at(old).ref;
  Put(key, ref);
  return ref;
}

void SeriesCache::Cursor::Put(const Key& key, SeriesRef ref) {
  lock_.unlock();
  {
    std::lock_guard lock(cache_.mutex_);
    if (cache_.newer_->size() >= kGenerationSeries) {
      cache_.older_ = std::exchange(cache_.newer_, std::make_unique<Generation>());
      ++cache_.generation_;
    }
    const uint32_t place = cache_.newer_->Put(key, ref);
    if (last_ != kNone && generation_ == cache_.generation_)
      cache_.newer_->at(last_).next.store(place, std::memory_order_relaxed);
    last_ = place;
    generation_ = cache_.generation_;
  }
  lock_.lock();
}

void SeriesCache::Clear() {
  std::lock_guard lock(mutex_);
  newer_ = std::make_unique<Generation>();
  older_ = std::make_unique<Generation>();
  ++generation_;
}

}  // namespace tocsin::ingest
