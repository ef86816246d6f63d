// How the memory that the database may take is shared out. Rows that are not listed here belong to
// others: program and libraries, HTTP bodies, queries, rules, forwarding. All are set from one
// number by the table in docs/storage-format.md, section 10, and by straight lines between its
// columns; above the largest column everything more goes to the head.
#pragma once

#include <cstdint>

namespace tocsin::storage {

struct MemoryBudget {
  uint64_t cache = 0;          // RocksDB's blocks, memtables among them
  uint64_t opened = 0;         // opened groups of sealed files (group_cache.h)
  uint64_t write_buffers = 0;  // memtables
  uint64_t late = 0;           // samples that wait aside because they came late
  uint64_t head = 0;           // open data and index
  uint64_t series = 0;         // the default limit: 80 % of what fits into the head
  uint64_t metadata = 0;       // type, unit and help of metric families
  uint64_t log_bytes = 0;      // on disk

  static MemoryBudget Of(uint64_t memory_max);
};

// Bytes that a series takes in the index, its postings included (measured: docs/performance.md).
inline constexpr uint64_t kIndexBytesPerSeries = 190;
// All that an active series takes.
inline constexpr uint64_t kBytesPerSeries = 450;

}  // namespace tocsin::storage
