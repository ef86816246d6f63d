// One line of JSON a query: the file of global.query_log_file, with Prometheus' keys.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "query/engine.h"
#include "storage/base/json.h"
#include "storage/base/plain_file.h"

namespace tocsin::query {

// What stats= of the API and the query log show, into an open object.
void AppendStats(JsonWriter& json, const QueryStats& stats);

// Thread-safe.
class QueryLog {
 public:
  // Null: nothing is logged.
  void SetFile(std::shared_ptr<PlainFile> file);
  bool enabled() const { return file() != nullptr; }

  // `error`: null when the query succeeded. `step` is 0 for instant queries.
  void Write(Timestamp now, std::string_view query, Timestamp start, Timestamp end, Duration step,
             const QueryOptions& options, const QueryStats& stats, const Error* error);

 private:
  std::shared_ptr<PlainFile> file() const;

  mutable std::mutex mutex_;
  std::shared_ptr<PlainFile> file_;
};

}  // namespace tocsin::query
