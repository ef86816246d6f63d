#include "ingest/row_hints.h"

#include <utility>

#include "storage/base/coding.h"

namespace tocsin::ingest {

uint64_t RowHints::Shape(std::span<const SeriesRef> refs) {
  return Hash64(std::string_view(reinterpret_cast<const char*>(refs.data()),
                                 refs.size() * sizeof(SeriesRef)));
}

storage::RowHint RowHints::Get(uint64_t shape) {
  std::lock_guard lock(mutex_);
  if (const auto it = newer_.find(shape); it != newer_.end()) return it->second;
  const auto it = older_.find(shape);
  return it == older_.end() ? storage::RowHint() : it->second;
}

void RowHints::Put(uint64_t shape, storage::RowHint hint) {
  std::lock_guard lock(mutex_);
  if (newer_.size() >= kGeneration) {
    older_ = std::move(newer_);
    newer_.clear();
  }
  newer_[shape] = hint;
}

}  // namespace tocsin::ingest
