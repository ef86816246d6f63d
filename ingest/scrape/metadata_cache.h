// TYPE, HELP and UNIT of the families a target exposes. Families are shared between targets (a
// thousand node_exporters have one copy), and a line that has not changed costs one hash.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ingest/exposition/entry.h"
#include "storage/model/metadata.h"

namespace tocsin::ingest {

struct MetricFamily {
  std::string name;
  Metadata metadata;
  bool operator==(const MetricFamily&) const = default;
};
using SharedFamily = std::shared_ptr<const MetricFamily>;

// Gives equal families one home. Thread-safe.
class FamilyPool {
 public:
  SharedFamily Share(MetricFamily family);

 private:
  std::mutex mutex_;
  absl::flat_hash_map<uint64_t, std::weak_ptr<const MetricFamily>> families_;
  size_t sweep_at_ = 1024;
};

// One thread at a time. REQUIRES: the pool outlives it.
class MetadataCache {
 public:
  // Of one target: families and their text. What is beyond is not kept.
  static constexpr size_t kMaxFamilies = 20'000;
  static constexpr size_t kMaxBytes = 8u << 20;

  explicit MetadataCache(FamilyPool& pool) : pool_(pool) {}

  void BeginPage();
  // A TYPE, HELP or UNIT line; refuses HELP that is not UTF-8.
  Status OnLine(ExpositionEntry kind, const ExpositionMeta& line);
  // `complete`: the page was read to its end. Families unseen for ten pages are forgotten.
  void EndPage(bool complete);

  // Families new or changed since the last call.
  std::vector<SharedFamily> TakeChanged();
  // Lines since the last call that there was no room for.
  uint64_t TakeRefused() { return std::exchange(refused_, 0); }
  // Says all of them again (they did not reach the store).
  void MarkAllChanged();

  size_t size() const { return families_.size(); }
  template <typename F>
  void ForEach(F visit) const {
    for (const auto& [name, entry] : families_) visit(entry->family);
  }
  SharedFamily Find(std::string_view name) const {
    const auto it = families_.find(name);
    return it == families_.end() ? nullptr : it->second->family;
  }

 private:
  struct Entry {
    SharedFamily family;
    uint64_t last_page = 0;
    bool changed = false;
  };
  struct SeenLine {
    uint64_t hash = 0;
    Entry* entry = nullptr;
  };

  FamilyPool& pool_;
  uint64_t page_ = 0;
  size_t next_line_ = 0;
  size_t bytes_ = 0;  // of the families' text
  uint64_t refused_ = 0;
  std::vector<SeenLine> lines_;
  absl::flat_hash_map<std::string_view, std::unique_ptr<Entry>> families_;  // views: entry's name
  bool any_changed_ = false;
};

}  // namespace tocsin::ingest
