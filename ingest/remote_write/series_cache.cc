#include "ingest/remote_write/series_cache.h"

#include <string>
#include <utility>

#include "storage/base/coding.h"

namespace tocsin::ingest {

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

SeriesRef SeriesCache::Find(const Key& key) {
  Shard& shard = ShardOf(key);
  std::lock_guard lock(shard.mutex);
  if (const auto it = shard.newer.find(key.hash); it != shard.newer.end())
    return it->second.check == key.check ? it->second.ref : SeriesRef();
  const auto it = shard.older.find(key.hash);
  if (it == shard.older.end() || it->second.check != key.check) return {};
  const SeriesRef ref = it->second.ref;
  Insert(shard, key, ref);
  return ref;
}

void SeriesCache::Put(const Key& key, SeriesRef ref) {
  Shard& shard = ShardOf(key);
  std::lock_guard lock(shard.mutex);
  Insert(shard, key, ref);
}

void SeriesCache::Insert(Shard& shard, const Key& key, SeriesRef ref) {
  if (shard.newer.size() >= kGeneration) {
    shard.older = std::move(shard.newer);
    shard.newer.clear();
  }
  shard.newer[key.hash] = {key.check, ref};
}

void SeriesCache::Clear() {
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    shard.newer.clear();
    shard.older.clear();
  }
}

}  // namespace tocsin::ingest
