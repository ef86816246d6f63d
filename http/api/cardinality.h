// What the series in the database consist of: the lists of /status/tsdb. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/queryable.h"

namespace tocsin::http {

using TopList = std::vector<std::pair<std::string, uint64_t>>;

// The largest entries of each list, largest first.
struct Cardinality {
  TopList series_by_metric;
  TopList values_by_label;
  TopList bytes_by_label;
  TopList series_by_pair;  // "job=x"
};

// Walks all series.
Result<Cardinality> CountCardinality(const storage::Queryable& db, size_t limit,
                                     const std::atomic<bool>* canceled);

}  // namespace tocsin::http
