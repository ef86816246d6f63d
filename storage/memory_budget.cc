#include "storage/memory_budget.h"

#include <algorithm>
#include <array>

namespace tocsin::storage {
namespace {

constexpr uint64_t kMB = uint64_t{1} << 20;

// One machine size: what memory.max is there, and the rows, in MB.
struct Column {
  uint64_t memory_max, cache, write_buffers, late, head;
};
constexpr std::array<Column, 3> kTable = {{
    {128, 12, 5, 4, 44},
    {512, 32, 16, 16, 291},
    {2048, 128, 24, 32, 1382},
}};

uint64_t Between(uint64_t x, uint64_t x0, uint64_t x1, uint64_t y0, uint64_t y1) {
  return y0 + (x - x0) * (y1 - y0) / (x1 - x0);
}

}  // namespace

MemoryBudget MemoryBudget::Of(uint64_t memory_max) {
  MemoryBudget out;
  const Column& least = kTable.front();
  const Column& most = kTable.back();
  const auto row = [&](uint64_t Column::*cell) {
    if (memory_max <= least.memory_max * kMB) return memory_max * (least.*cell) / least.memory_max;
    if (memory_max >= most.memory_max * kMB) return (most.*cell) * kMB;
    const auto above = std::find_if(kTable.begin(), kTable.end(), [&](const Column& column) {
      return memory_max <= column.memory_max * kMB;
    });
    const Column& a = *(above - 1);
    const Column& b = *above;
    return Between(memory_max, a.memory_max * kMB, b.memory_max * kMB, (a.*cell) * kMB,
                   (b.*cell) * kMB);
  };
  out.write_buffers = std::max(row(&Column::write_buffers), kMB);
  // Blocks and what is made of them share what memtables leave.
  const uint64_t caches = std::max(row(&Column::cache), 2 * kMB);
  out.opened = (caches - std::min(caches, out.write_buffers)) / 2;
  out.cache = caches - out.opened;
  out.late = row(&Column::late);
  out.head = row(&Column::head);
  if (memory_max > most.memory_max * kMB) out.head += memory_max - most.memory_max * kMB;
  out.series = std::max<uint64_t>(out.head / kBytesPerSeries * 8 / 10, 1000);
  out.metadata = std::clamp(memory_max / 32, 2 * kMB, 64 * kMB);
  out.log_bytes = std::clamp(memory_max / 8, 16 * kMB, 256 * kMB);
  return out;
}

}  // namespace tocsin::storage
