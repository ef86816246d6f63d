#include "storage/metadata_store.h"

#include <mutex>

#include "storage/base/coding.h"

namespace tocsin::storage {
namespace {
constexpr uint8_t kVersion = 1;
}

bool MetadataStore::Differs(std::string_view metric, const Metadata& metadata) const {
  std::shared_lock lock(mutex_);
  const auto it = of_.find(metric);
  return it == of_.end() || it->second != metadata;
}

void MetadataStore::Set(std::string_view metric, const Metadata& metadata) {
  std::unique_lock lock(mutex_);
  of_.insert_or_assign(std::string(metric), metadata);
}

std::vector<std::pair<std::string, Metadata>> MetadataStore::Get(const std::string& metric) const {
  std::shared_lock lock(mutex_);
  if (metric.empty()) return {of_.begin(), of_.end()};
  const auto it = of_.find(metric);
  if (it == of_.end()) return {};
  return {*it};
}

void MetadataStore::Put(RocksBatch& batch, std::string_view metric, const Metadata& metadata) {
  std::string value;
  value.push_back(static_cast<char>(kVersion));
  value.push_back(static_cast<char>(metadata.type));
  PutString(value, metadata.unit);
  PutString(value, metadata.help);
  batch.Put(Family::kDefault, keys::Metadata(metric), value);
}

Status MetadataStore::Load(const RocksStore& store, uint64_t* damaged) {
  std::unique_lock lock(mutex_);
  const std::string end(1, static_cast<char>(keys::kMetadataPrefix.front() + 1));
  const auto take = [&](std::string_view key, std::string_view value) {
    ByteReader in(value);
    const auto version = in.Fixed<uint8_t>();
    Metadata metadata;
    metadata.type = static_cast<MetricType>(in.Fixed<uint8_t>());
    metadata.unit = in.String();
    metadata.help = in.String();
    if (version == kVersion && in.ok() && metadata.type <= MetricType::kStateset)
      of_.insert_or_assign(std::string(key.substr(1)), std::move(metadata));
    return true;
  };
  return store.ScanReadable(Family::kDefault, keys::kMetadataPrefix, end, take, damaged);
}

}  // namespace tocsin::storage
