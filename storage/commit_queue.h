// Takes finished batches from appenders and commits them one after the other on the commit
// executor: log (one RocksDB write for all that wait), head, answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "storage/appendable.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/metrics.h"
#include "storage/codec/log_row.h"
#include "storage/exemplar_store.h"
#include "storage/head.h"
#include "storage/log.h"
#include "storage/metadata_store.h"
#include "storage/row_layout.h"
#include "storage/series_index.h"
#include "storage/task_gate.h"

namespace tocsin::storage {

// What one appender has collected.
struct CommitBatch {
  // A row (layout set), a list of samples or a histogram; in the order of the calls.
  struct Part {
    std::shared_ptr<const RowLayout> layout;
    Timestamp t;       // of a row
    size_t first = 0;  // of values, sparse or histograms
    size_t count = 0;
    bool histogram = false;
    size_t starts = kNoStarts;  // first of starts, of a row that has some
  };
  static constexpr size_t kNoStarts = ~size_t{0};
  struct HistogramSample {
    SeriesRef series;
    TimedHistogram sample;
  };
  std::span<const Timestamp> StartsOf(const Part& part) const {
    if (part.starts == kNoStarts) return {};
    return std::span(starts).subspan(part.starts, part.count);
  }
  size_t samples() const {
    return std::accumulate(parts.begin(), parts.end(), size_t{0},
                           [](size_t n, const Part& part) { return n + part.count; });
  }
  std::vector<Part> parts;
  std::vector<double> values;
  std::vector<Timestamp> starts;
  std::vector<SparseSample> sparse;
  std::vector<HistogramSample> histograms;
  std::vector<MetadataRow> metadata;
  std::vector<std::pair<SeriesRef, Exemplar>> exemplars;
  CommitDone done;
  uint64_t generation = 0;  // of the index before the first ref was checked
  uint32_t stale_refs = 0;  // found when it was committed
};

struct CommitMetrics {
  Counter duplicates;
  Counter failed;
  Counter unlogged;
  HistogramMetric sync_seconds;
};

// Thread-safe.
class CommitQueue {
 public:
  struct Deps {
    RocksStore& store;
    SeriesIndex& index;
    Head& head;
    Log& log;
    MetadataStore& metadata;
    ExemplarStore& exemplars;
    Clock& clock;
    Executor& commit;
    Executor& sync;
    TaskGate& gate;
    CommitMetrics metrics;
    // Whether the head may take samples that could not be logged.
    std::function<bool()> head_has_room;
  };
  // `always_sync`: answers only after the WAL is on the device.
  CommitQueue(const Deps& deps, bool always_sync) : deps_(deps), always_sync_(always_sync) {}

  void Push(CommitBatch batch);
  // Logs the series that no batch has brought to the log yet (the one that made them failed): no
  // file may hold an id that the log does not.
  Status WriteSeries();
  // Runs `work` between batches, on the caller's thread; it may use the log and append.
  Status RunAlone(const std::function<Status()>& work);

  // Refuses batches from now on (kUnavailable) and commits those that wait. Blocks.
  void Close();

  // On the sync executor, every sync interval: when something was written since the last time.
  Status Sync();
  // Writes since the last sync?
  bool dirty() const { return written_.load() != synced_.load(); }
  // Another way to the WAL (kv_store) has written.
  void NoteWrite() { written_.fetch_add(1); }

 private:
  void Drain();
  void CommitAll(std::vector<CommitBatch> batches);
  Status LogAll(std::vector<CommitBatch>& batches);
  // Series were removed since the batch began: takes out samples whose refs have gone stale.
  void DropStale(CommitBatch& batch);
  void Apply(const CommitBatch& batch, const uint64_t* seqs, MonotonicTime now,
             CommitResult* result);
  void Answer(std::vector<CommitBatch> batches, std::vector<CommitResult> results);
  // Syncs, then answers all that wait for it.
  void SyncAndAnswer();

  const Deps deps_;
  const bool always_sync_;
  std::mutex mutex_;
  std::vector<CommitBatch> waiting_;  // guarded by mutex_
  bool scheduled_ = false;            // guarded by mutex_
  bool closed_ = false;               // guarded by mutex_
  struct Answered {
    CommitDone done;
    CommitResult result;
  };
  std::vector<Answered> unsynced_;  // committed, answered after the next sync; guarded by mutex_

  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> synced_{0};

  std::mutex commit_mutex_;     // held while batches are committed; before all others
  std::vector<uint64_t> seqs_;  // of each part of the batches in hand; guarded by commit_mutex_
};

}  // namespace tocsin::storage
