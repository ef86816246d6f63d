// Pointers by a growing u64 number: reads take no lock while writers (serialised by the caller)
// add. Sparse ranges cost nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace tocsin::storage {

template <typename T>
class PagedTable {
 public:
  // Null when never set. Any thread.
  T* Get(uint64_t number) const {
    const Top* top = top_.load(std::memory_order_acquire);
    const uint64_t page = number / kPageSize;
    if (top == nullptr || page >= top->size()) return nullptr;
    const Page* p = (*top)[page].load(std::memory_order_acquire);
    return p == nullptr ? nullptr : (*p)[number % kPageSize].load(std::memory_order_acquire);
  }

  // One writer at a time.
  void Set(uint64_t number, T* value) {
    const uint64_t page = number / kPageSize;
    Top* top = top_.load(std::memory_order_relaxed);
    if (top == nullptr || page >= top->size()) top = Grow(page);
    Page* p = (*top)[page].load(std::memory_order_relaxed);
    if (p == nullptr) {
      pages_.push_back(std::make_unique<Page>());
      p = pages_.back().get();
      (*top)[page].store(p, std::memory_order_release);
    }
    (*p)[number % kPageSize].store(value, std::memory_order_release);
  }

 private:
  static constexpr uint64_t kPageSize = 1024;
  using Page = std::array<std::atomic<T*>, kPageSize>;
  using Top = std::vector<std::atomic<Page*>>;

  // Old tops stay for readers that hold one; together they are smaller than the newest.
  Top* Grow(uint64_t page) {
    const Top* old = top_.load(std::memory_order_relaxed);
    size_t size = old == nullptr ? 64 : old->size();
    while (size <= page) size *= 2;
    tops_.push_back(std::make_unique<Top>(size));
    Top* top = tops_.back().get();
    for (size_t i = 0; old != nullptr && i < old->size(); ++i)
      (*top)[i].store((*old)[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
    top_.store(top, std::memory_order_release);
    return top;
  }

  std::atomic<Top*> top_{nullptr};
  std::vector<std::unique_ptr<Top>> tops_;
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace tocsin::storage
