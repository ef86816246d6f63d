// What the root decides about the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/metrics.h"
#include "storage/base/scheduler.h"
#include "storage/base/time.h"

namespace rocksdb {
class Env;
}

namespace tocsin::storage {

// The ports the store runs on. REQUIRES: all outlive the Db.
struct Ports {
  Clock& clock;
  Scheduler& scheduler;
  // One thread of its own (or inline): gathers batches, logs, applies.
  Executor& commit;
  // One thread of its own (or inline): SyncWAL.
  Executor& sync;
  // Low priority: seal, merge, roll-up, retention.
  Executor& background;
  MetricRegistry& metrics;
};

struct Options {
  std::string path;                                  // made when missing
  Duration retention_time{15LL * 24 * 3600 * 1000};  // 0: for ever
  uint64_t retention_size = 0;       // bytes on disk, everything counted; 0: no limit
  bool levels = true;                // days get their 5m and 1h levels when they close
  Duration sync_interval{1000};      // 0: every commit answers after its sync
  uint64_t memory_max = 256u << 20;  // of the whole program; shared out by memory_budget.h
  uint64_t series_max = 0;           // 0: derived from memory_max
  size_t exemplars_max = 100'000;    // the newest are kept; 0: none
  Duration snapshot_keep{7LL * 24 * 3600 * 1000};  // 0: for ever
  rocksdb::Env* env = nullptr;                     // tests inject faults here; null: the real disk
};

}  // namespace tocsin::storage
