// How many samples the answers of a query are made of, as its statistics tell.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tocsin::query {

// Both count a histogram by its size, in samples of 16 bytes.
struct SampleCount {
  uint64_t queryable = 0;  // a selector's one a series and step; of a window all it holds
  uint64_t read = 0;       // the same, but for samples that the window before held as well
};

// Thread-safe.
class SampleCounts {
 public:
  // `each`: the numbers of every step are kept.
  SampleCounts(size_t steps, bool each)
      : steps_(steps), queryable_(each ? steps : 1), read_(each ? steps : 1) {}

  bool each() const { return queryable_.size() > 1; }
  void Add(size_t step, SampleCount count) {
    const size_t i = queryable_.size() > 1 ? step : 0;
    queryable_[i].fetch_add(count.queryable, std::memory_order_relaxed);
    read_[i].fetch_add(count.read, std::memory_order_relaxed);
  }
  // What was evaluated once is queryable at every step.
  void AddPinned(SampleCount count) {
    const bool all = queryable_.size() > 1;
    for (auto& n : queryable_)
      n.fetch_add(all ? count.queryable : count.queryable * steps_, std::memory_order_relaxed);
    read_[0].fetch_add(count.read, std::memory_order_relaxed);
  }

  // Of a step, or of all when the steps are not kept. REQUIRES: nobody adds.
  size_t size() const { return queryable_.size(); }
  SampleCount at(size_t i) const { return {queryable_[i].load(), read_[i].load()}; }
  SampleCount Total() const {
    SampleCount sum;
    for (size_t i = 0; i < size(); ++i) {
      sum.queryable += at(i).queryable;
      sum.read += at(i).read;
    }
    return sum;
  }

 private:
  const size_t steps_;
  std::vector<std::atomic<uint64_t>> queryable_, read_;
};

}  // namespace tocsin::query
