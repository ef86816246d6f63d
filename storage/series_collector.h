// How series leave memory: idle groups with files become cold (their days are kept in family
// `post`), those without any sample left are removed, and what was kept for days and series that
// have no file any more is forgotten.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/commit_queue.h"
#include "storage/directory.h"
#include "storage/head.h"
#include "storage/rocks_store.h"
#include "storage/row_layout.h"
#include "storage/series_index.h"

namespace tocsin::storage {

// One thread at a time.
class SeriesCollector {
 public:
  struct Deps {
    RocksStore& store;
    SeriesIndex& index;
    Head& head;
    Directories& directories;
    CommitQueue& queue;
    RowLayouts& layouts;
    Clock& clock;
    // Writes which numbers are taken, synced: before the holder of a highest one goes.
    std::function<Status()> put_floors;
    // Series are gone; called while nothing is committed.
    std::function<void()> removed;
  };
  explicit SeriesCollector(Deps deps) : deps_(std::move(deps)) {}

  // One round of all of it.
  Status Collect();

 private:
  // Groups that nothing was added to for hours, without open samples or rows in the log: with files
  // or without.
  std::vector<Group*> IdleGroups(bool with_files);
  // Takes the series of some of them out of memory that have files; false: there is none.
  Result<bool> LetSeriesGo();
  // Forgets what is kept for days and series that left memory and have no file any more.
  Status ForgetCold();

  const Deps deps_;
};

}  // namespace tocsin::storage
