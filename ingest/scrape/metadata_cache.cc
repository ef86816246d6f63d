#include "ingest/scrape/metadata_cache.h"

#include <utility>

#include "storage/base/coding.h"

namespace tocsin::ingest {
namespace {

constexpr uint64_t kKeepPages = 10;
// Lines whose hash is remembered: TYPE, HELP and UNIT of each.
constexpr size_t kMaxLines = 3 * MetadataCache::kMaxFamilies;

size_t BytesOf(const MetricFamily& family) {
  return family.name.size() + family.metadata.help.size() + family.metadata.unit.size();
}

uint64_t HashOf(const MetricFamily& family) {
  uint64_t hash = Hash64(family.name, static_cast<uint64_t>(family.metadata.type));
  hash = Hash64(family.metadata.help, hash);
  return Hash64(family.metadata.unit, hash);
}

}  // namespace

SharedFamily FamilyPool::Share(MetricFamily family) {
  std::lock_guard lock(mutex_);
  if (families_.size() >= sweep_at_) {
    absl::erase_if(families_, [](const auto& item) { return item.second.expired(); });
    sweep_at_ = 2 * families_.size() + 1024;
  }
  auto& slot = families_[HashOf(family)];
  if (auto shared = slot.lock(); shared != nullptr && *shared == family) return shared;
  auto fresh = std::make_shared<const MetricFamily>(std::move(family));
  slot = fresh;
  return fresh;
}

void MetadataCache::BeginPage() {
  ++page_;
  next_line_ = 0;
}

Status MetadataCache::OnLine(ExpositionEntry kind, const ExpositionMeta& line) {
  const uint64_t hash = Hash64(line.line);
  const size_t index = next_line_;
  if (index < lines_.size() && lines_[index].hash == hash) {
    lines_[index].entry->last_page = page_;
    ++next_line_;
    return OkStatus();
  }
  std::string name;
  AppendUnescaped(line.family, &name);
  const auto known = families_.find(name);
  MetricFamily family;
  if (known != families_.end()) {
    family = *known->second->family;
  } else {
    family.name = name;
  }
  switch (kind) {
    case ExpositionEntry::kType:
      family.metadata.type = line.type;
      break;
    case ExpositionEntry::kHelp: {
      TOCSIN_ASSIGN(family.metadata.help, UnescapeHelp(line.text));
      break;
    }
    default:
      family.metadata.unit = line.text;
  }
  const size_t before = known == families_.end() ? 0 : BytesOf(*known->second->family);
  const size_t bytes = bytes_ - before + BytesOf(family);
  if (bytes > kMaxBytes || (known == families_.end() && families_.size() >= kMaxFamilies)) {
    if (known != families_.end()) known->second->last_page = page_;
    ++refused_;
    return OkStatus();
  }
  bytes_ = bytes;
  std::unique_ptr<Entry> entry;
  if (known != families_.end()) {
    entry = std::move(known->second);
    families_.erase(known);
  } else {
    entry = std::make_unique<Entry>();
  }
  entry->last_page = page_;
  if (entry->family == nullptr || !(*entry->family == family)) {
    entry->family = pool_.Share(std::move(family));
    entry->changed = any_changed_ = true;
  }
  if (index < kMaxLines) {
    if (index >= lines_.size()) lines_.resize(index + 1);
    lines_[index] = {hash, entry.get()};
    ++next_line_;
  }
  const std::string_view key = entry->family->name;
  families_.emplace(key, std::move(entry));
  return OkStatus();
}

void MetadataCache::EndPage(bool complete) {
  // The lines after a break were not compared: their entries may be gone next time.
  if (!complete) lines_.clear();
  const bool same = complete && next_line_ == lines_.size();
  if (complete) lines_.resize(next_line_);
  if (same && page_ % kKeepPages != 0) return;
  lines_.shrink_to_fit();
  absl::erase_if(families_, [this](const auto& item) {
    if (item.second->last_page + kKeepPages >= page_) return false;
    bytes_ -= BytesOf(*item.second->family);
    return true;
  });
}

std::vector<SharedFamily> MetadataCache::TakeChanged() {
  std::vector<SharedFamily> out;
  if (!std::exchange(any_changed_, false)) return out;
  for (const auto& [name, entry] : families_) {
    if (std::exchange(entry->changed, false)) out.push_back(entry->family);
  }
  return out;
}

void MetadataCache::MarkAllChanged() {
  for (const auto& [name, entry] : families_) entry->changed = any_changed_ = true;
}

}  // namespace tocsin::ingest
