#include "storage/kv.h"

#include "storage/key_schema.h"

namespace tocsin::storage {
namespace {

// Behind every key with this prefix; empty when there is no such key.
std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty()) {
    if (static_cast<unsigned char>(prefix.back()) != 0xFF) {
      ++prefix.back();
      return prefix;
    }
    prefix.pop_back();
  }
  return prefix;
}

}  // namespace

Result<std::optional<std::string>> RocksKv::Get(std::string_view ns, std::string_view key) const {
  return store_.Get(Family::kState, keys::State(ns, key));
}

Result<std::vector<std::pair<std::string, std::string>>> RocksKv::Scan(
    std::string_view ns, std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> out;
  const size_t skip = keys::StatePrefix(ns).size();
  const std::string begin = keys::State(ns, prefix);
  TOCSIN_RETURN_IF_ERROR(store_.Scan(Family::kState, begin, PrefixEnd(begin),
                                     [&](std::string_view key, std::string_view value) {
                                       out.emplace_back(key.substr(skip), value);
                                       return true;
                                     }));
  return out;
}

Status RocksKv::Write(std::string_view ns, std::vector<KvWrite> writes, bool sync) {
  RocksBatch batch = store_.NewBatch();
  for (const KvWrite& write : writes) {
    const std::string key = keys::State(ns, write.key);
    if (write.value)
      batch.Put(Family::kState, key, *write.value);
    else
      batch.Delete(Family::kState, key);
  }
  TOCSIN_RETURN_IF_ERROR(store_.Write(batch, sync));
  if (!sync) wrote_();
  return OkStatus();
}

}  // namespace tocsin::storage
