#include "storage/metadata_store.h"

#include <mutex>

#include "storage/base/coding.h"
#include "storage/base/log.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;
// Of a node of the map with its three strings.
constexpr uint64_t kBytesPerFamily = 160;

uint64_t BytesOf(std::string_view metric, const Metadata& metadata) {
  return kBytesPerFamily + metric.size() + metadata.unit.size() + metadata.help.size();
}

}  // namespace

bool MetadataStore::Differs(std::string_view metric, const Metadata& metadata) const {
  std::shared_lock lock(mutex_);
  const auto it = of_.find(metric);
  return it == of_.end() || it->second != metadata;
}

bool MetadataStore::Set(std::string_view metric, const Metadata& metadata) {
  const uint64_t bytes = BytesOf(metric, metadata);
  std::unique_lock lock(mutex_);
  const auto it = of_.find(metric);
  const uint64_t before = it == of_.end() ? 0 : BytesOf(metric, it->second);
  const bool full = bytes_ - before + bytes > max_bytes_;
  if (full || bytes > kMaxFamilyBytes) {
    refused_.Add();
    if (!std::exchange(told_, true))
      log::Warn(
          "metadata of a metric family is not kept: its type, unit and help are missing in "
          "/api/v1/metadata",
          {{"metric", metric.substr(0, 200)},
           {"err", full ? "too many families" : "the family takes too much"},
           {"families", of_.size()},
           {"bytes", bytes_}});
    return false;
  }
  SetLocked(std::string(metric), metadata);
  return true;
}

void MetadataStore::SetLocked(std::string metric, Metadata metadata) {
  const uint64_t bytes = BytesOf(metric, metadata);
  const auto [it, fresh] = of_.try_emplace(std::move(metric));
  if (!fresh) bytes_ -= BytesOf(it->first, it->second);
  it->second = std::move(metadata);
  bytes_ += bytes;
}

void MetadataStore::Forget(std::span<const std::string> metrics) {
  std::unique_lock lock(mutex_);
  for (const std::string& metric : metrics) {
    const auto it = of_.find(metric);
    if (it == of_.end()) continue;
    bytes_ -= BytesOf(it->first, it->second);
    of_.erase(it);
    told_ = false;
  }
}

bool MetadataStore::crowded() const {
  std::shared_lock lock(mutex_);
  return bytes_ > max_bytes_ / 4 * 3;
}

std::vector<std::string> MetadataStore::NamesWithout(
    const std::function<bool(const std::string& metric)>& wanted) const {
  std::vector<std::string> out;
  std::shared_lock lock(mutex_);
  for (const auto& [metric, metadata] : of_)
    if (!wanted(metric)) out.push_back(metric);
  return out;
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

void MetadataStore::Delete(RocksBatch& batch, std::string_view metric) {
  batch.Delete(Family::kDefault, keys::Metadata(metric));
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
      SetLocked(std::string(key.substr(1)), std::move(metadata));
    return true;
  };
  return store.ScanReadable(Family::kDefault, keys::kMetadataPrefix, end, take, damaged);
}

}  // namespace tocsin::storage
