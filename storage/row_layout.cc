#include "storage/row_layout.h"

#include <algorithm>
#include <cstring>

namespace tocsin::storage {
namespace {

bool SameRefs(std::span<const SeriesRef> a, std::span<const SeriesRef> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

bool HasTwins(std::span<const SeriesRef> refs) {
  bool ascending = true;
  for (size_t i = 1; i < refs.size() && ascending; ++i) ascending = refs[i - 1].id < refs[i].id;
  if (ascending) return false;
  std::vector<uint64_t> ids;
  ids.reserve(refs.size());
  for (const SeriesRef ref : refs) ids.push_back(ref.id);
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) != ids.end();
}

}  // namespace

uint64_t RowLayouts::NewToken() {
  std::lock_guard lock(mutex_);
  return next_token_++;
}

std::shared_ptr<const RowLayout> RowLayouts::Find(const RowHint& hint,
                                                  std::span<const SeriesRef> refs,
                                                  uint64_t generation) {
  if (hint.token == 0) return nullptr;
  std::shared_ptr<RowLayout> layout;
  {
    std::lock_guard lock(mutex_);
    const auto it = layouts_.find(hint.token);
    if (it == layouts_.end()) return nullptr;
    layout = it->second;
    layout->last_used = ++uses_;
  }
  const bool valid = layout->generation == generation && SameRefs(layout->refs, refs);
  return valid ? layout : nullptr;
}

std::shared_ptr<const RowLayout> RowLayouts::Make(RowHint& hint, std::span<const SeriesRef> refs,
                                                  uint64_t generation) {
  if (HasTwins(refs)) return nullptr;
  auto layout = Plan(refs);
  layout->generation = generation;
  std::lock_guard lock(mutex_);
  if (hint.token == 0) hint.token = next_token_++;
  auto& slot = layouts_[hint.token];
  if (slot != nullptr) {
    refs_ -= slot->refs.size();
    layout->owner = slot->owner;
  } else {
    // An evicted hint comes back under its old number, but the log starts it anew.
    layout->owner = std::make_shared<LogOwner>(next_token_++);
  }
  layout->number = next_token_++;
  layout->last_used = ++uses_;
  slot = layout;
  refs_ += refs.size();
  if (refs_ > kMaxRefs) Evict();
  return layout;
}

std::shared_ptr<RowLayout> RowLayouts::Plan(std::span<const SeriesRef> refs) {
  auto layout = std::make_shared<RowLayout>();
  layout->refs.assign(refs.begin(), refs.end());
  layout->slots.reserve(refs.size());
  for (uint32_t i = 0; i < refs.size(); ++i) {
    const uint64_t number = GroupOf(refs[i].id);
    if (layout->runs.empty() || layout->runs.back().group->number() != number)
      layout->runs.push_back({&head_.GroupFor(number), i, i});
    layout->runs.back().end = i + 1;
    layout->slots.push_back(static_cast<uint8_t>(SlotOf(refs[i].id)));
  }
  return layout;
}

void RowLayouts::Clear() {
  std::lock_guard lock(mutex_);
  layouts_.clear();
  refs_ = 0;
}

// The older half goes, so that this is rare.
void RowLayouts::Evict() {
  std::vector<uint64_t> uses;
  for (const auto& [token, layout] : layouts_) uses.push_back(layout->last_used);
  const auto middle = uses.begin() + static_cast<std::ptrdiff_t>(uses.size() / 2);
  std::nth_element(uses.begin(), middle, uses.end());
  const uint64_t limit = *middle;
  absl::erase_if(layouts_, [&](const auto& entry) {
    if (entry.second->last_used >= limit) return false;
    refs_ -= entry.second->refs.size();
    return true;
  });
}

}  // namespace tocsin::storage
