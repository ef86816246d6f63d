// Open data of the head as a scrape loop fills it: a row of one time for every target, through
// groups, timelines and streams. Without log and appender (store_bench has those).
#include "storage/head.h"

#include <benchmark/benchmark.h>

#include "bench/storage/host_series.h"
#include "bench/storage/report.h"

namespace tocsin::bench {
namespace {

using storage::Group;
using storage::kGroupSlots;

constexpr size_t kEntries = 240;

// As many targets as make that many series, all alike.
class Site {
 public:
  explicit Site(size_t series) {
    testing::Engine rng(1);
    const Columns columns = Host(rng, kEntries);
    rows_.resize(kEntries);
    for (size_t i = 0; i < kEntries; ++i)
      for (const auto& column : columns) rows_[i].push_back(column[i]);
    for (size_t slot = 0; slot < kGroupSlots; ++slot) slots_.push_back(static_cast<uint8_t>(slot));
    for (uint64_t number = 1; number <= series / kGroupSlots; ++number)
      groups_.push_back(&head_.GroupFor(number));
  }

  size_t series() const { return groups_.size() * kGroupSlots; }

  void AppendAll() {
    const auto pool = head_.LockPool();
    for (size_t i = 0; i < kEntries; ++i) {
      const Timestamp t{begin_ + static_cast<int64_t>(i) * 15'000};
      const std::span<const double> row = rows_[i];
      for (size_t g = 0; g < groups_.size(); ++g)
        head_.Append(*groups_[g], slots_, t, row.subspan(g * kGroupSlots % kSeries, kGroupSlots),
                     {}, seq_++, {}, &result_);
    }
  }
  // As after a seal.
  void Empty() {
    begin_ += storage::kWindowMs;
    for (Group* group : groups_) {
      const std::lock_guard lock(group->mutex());
      group->Cut({begin_}, seq_);
    }
    head_.Free(seq_);
  }
  const storage::RowResult& result() const { return result_; }

 private:
  storage::Head head_;
  std::vector<std::vector<double>> rows_;
  std::vector<uint8_t> slots_;
  std::vector<Group*> groups_;
  storage::RowResult result_;
  int64_t begin_ = storage::kWindowMs * 236'000;
  uint64_t seq_ = 1;
};

void BM_Append(benchmark::State& state) {
  Site site(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    site.AppendAll();
    state.PauseTiming();
    site.Empty();
    state.ResumeTiming();
  }
  if (!site.result().all_appended()) state.SkipWithError("duplicates");
  Report(state, site.series() * kEntries, 0, 0);
}
BENCHMARK(BM_Append)->Arg(10'000)->Arg(500'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin::bench
