// The Appender of the database: collects a batch, hands it to the commit queue.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "storage/appendable.h"
#include "storage/commit_queue.h"

namespace tocsin::storage {

// What every appender of a database uses.
struct AppenderDeps {
  SeriesIndex& index;
  Head& head;
  RowLayouts& layouts;
  MetadataStore& metadata;
  ExemplarStore& exemplars;
  CommitQueue& queue;
  Clock& clock;
  // Nothing older is taken.
  std::function<Timestamp()> edge;
  Counter out_of_bounds;
  Counter refused_series;
  // When a refused series was last logged.
  std::atomic<int64_t>& refused_logged_ns;
};

std::unique_ptr<Appender> MakeAppender(const AppenderDeps& deps);

// How far ahead of the wall clock a sample may be.
inline constexpr Duration kMaxAhead{10 * 60 * 1000};

}  // namespace tocsin::storage
