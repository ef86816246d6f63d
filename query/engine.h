// PromQL: text and times in, values out. The entry of the query folder.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/sample_counts.h"
#include "query/value.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/metrics.h"
#include "storage/base/plain_file.h"
#include "storage/base/result.h"
#include "storage/queryable.h"

namespace tocsin::query {

// --enable-feature names that change the language.
struct Features {
  bool experimental_functions = false;    // promql-experimental-functions
  bool delayed_name_removal = false;      // promql-delayed-name-removal
  bool extended_range_selectors = false;  // promql-extended-range-selectors
  bool binop_fill_modifiers = false;      // promql-binop-fill-modifiers
  bool type_and_unit_labels = false;      // type-and-unit-labels
  bool use_start_timestamps = false;      // use-start-timestamps
  // Not of the language: queries may ask for the statistics of each step.
  bool per_step_stats = false;  // promql-per-step-stats
};

struct EngineOptions {
  Duration lookback_delta{300'000};
  Duration timeout{120'000};
  uint64_t max_samples = 50'000'000;
  // What series, values and labels of running queries may take: of all together, of one. 0: no
  // limit.
  uint64_t max_memory_bytes = 0;
  uint64_t max_query_memory_bytes = 0;
  int max_concurrency = 20;  // more wait for their turn
  Features features;
  // Runs parts of a query beside the caller, up to max_helpers at a time; null: all runs on the
  // caller's thread. Answers do not depend on it. REQUIRES: outlives the engine.
  Executor* helpers = nullptr;
  int max_helpers = 0;
};

// Who asks, for the query log: a request or a rule.
struct QueryOrigin {
  std::string client, method, path;
  std::string rule_file, rule_group;
};

// Of one query.
struct QueryOptions {
  Duration lookback_delta{0};  // 0: the engine's
  Duration timeout{0};         // 0: the engine's; larger than that: the engine's
  const std::atomic<bool>* canceled = nullptr;
  // Downsampling levels of at most this resolution may stand for raw samples where that does not
  // show (or hardly: docs/retention.md), and do where raw samples have expired. 0: raw samples only
  // (rules and alerts).
  Duration max_source_resolution{0};
  bool per_step_stats = false;  // when the engine's features have it
  QueryOrigin origin;
};
inline constexpr Duration kAnyResolution = Duration::max();

struct QueryStats {
  uint64_t samples_read = 0;  // that storage gave
  uint64_t peak_samples = 0;  // held
  // What the answer is made of; by step when that was asked for and there are several.
  SampleCount counted;
  std::vector<std::pair<Timestamp, SampleCount>> per_step;
  // In seconds: parsing, waiting for a turn, evaluating (with sorting the result), all.
  double prepare_s = 0;
  double queue_s = 0;
  double inner_s = 0;
  double total_s = 0;
};

// Texts as the API shows them, "PromQL warning: ..." / "PromQL info: ...", each once.
struct QueryResult {
  Value value;
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  QueryStats stats;
};

// Errors: kInvalidArgument: does not parse ("1:5: parse error: ..."); kExecution: parsed but
// cannot be answered; kUnsupported: names the construct; kTimeout, kCanceled, kLimit.
//
// Thread-safe; each call evaluates on the caller's thread, and blocks while max_concurrency others
// are running.
class Engine {
 public:
  // REQUIRES: all outlive the engine.
  Engine(const EngineOptions& options, const storage::Queryable& queryable, const Clock& clock,
         MetricRegistry& metrics);
  ~Engine();

  // Takes effect for the next query (a reload may change it).
  void SetDefaultSubqueryStep(Duration step);  // global.evaluation_interval; 1m before
  // A line of JSON for each query from now on; null: none.
  void SetQueryLog(std::shared_ptr<PlainFile> file);
  // The list of running queries (active_query_log.h), emptied. Once, before the first query.
  void ListActiveQueries(std::unique_ptr<PlainFile> file);

  Result<QueryResult> Instant(std::string_view query, Timestamp at,
                              const QueryOptions& options = {}) const;
  // Steps start, start + step, ... <= end. REQUIRES: step > 0, end >= start.
  Result<QueryResult> Range(std::string_view query, Timestamp start, Timestamp end, Duration step,
                            const QueryOptions& options = {}) const;

  const EngineOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::query
