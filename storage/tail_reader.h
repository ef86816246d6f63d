// The tail of a database: the log, and files where the log is gone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/base/metrics.h"
#include "storage/directory.h"
#include "storage/log.h"
#include "storage/log_readers.h"
#include "storage/rocks_store.h"
#include "storage/series_index.h"
#include "storage/tail.h"
#include "storage/tail_collector.h"
#include "storage/tail_files.h"
#include "storage/tail_log.h"
#include "storage/tail_position.h"

namespace tocsin::storage {

struct TailDeps {
  const RocksStore& store;
  const SeriesIndex& index;
  const Directories& directories;
  const Log& log;
  LogReaders& readers;
  Counter corruptions;
};

// Behind everything that was logged when it was called.
TailPosition EndOfLog(const TailDeps& deps);

class TailReader final : public Tail {
 public:
  TailReader(const TailDeps& deps, TailPosition position);

  Result<TailBatch> Read(const TailLimits& limits) override;
  void Release(const std::string& position) override;

 private:
  void TurnToFiles(TailBatch* batch);
  void NoteFilesDone();

  const TailDeps deps_;
  TailPosition position_;
  LogReaders::Hold hold_;
  TailCollector collector_;
  TailLog log_;
  TailFiles files_;
  bool fresh_ = true;

  // When the position has passed `row`, all files up to `published` have been read.
  struct Checkpoint {
    uint64_t published = 0;
    uint64_t row = 0;
  };
  std::optional<Checkpoint> checkpoint_;
};

}  // namespace tocsin::storage
