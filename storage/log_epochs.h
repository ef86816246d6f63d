// When the log goes on in a new epoch, and when old ones go: spent is one without a row whose
// samples are not in published files.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/commit_queue.h"
#include "storage/head.h"
#include "storage/log.h"
#include "storage/log_readers.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// One thread at a time.
class LogEpochs {
 public:
  struct Deps {
    RocksStore& store;
    Head& head;
    Log& log;
    LogReaders& readers;
    CommitQueue& queue;
    Clock& clock;
    uint64_t budget;  // bytes of WAL and log epochs
    // Writes which numbers are taken, synced: before the holder of a highest one goes.
    std::function<Status()> put_floors;
  };
  explicit LogEpochs(Deps deps) : deps_(std::move(deps)) {}

  void Start(MonotonicTime now) { start_ = now; }
  // Makes a new epoch when the one written now is large or old (or at once), drops spent ones.
  Status Roll(bool at_once);

 private:
  Status Create();
  Status DropSpent();
  // Spent epochs, but for those that a reader still wants and there is room for.
  std::vector<uint64_t> Spent() const;

  const Deps deps_;
  MonotonicTime start_;
};

}  // namespace tocsin::storage
