#include "query/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "query/active_query_log.h"
#include "query/admission.h"
#include "query/annotations.h"
#include "query/context.h"
#include "query/evaluator.h"
#include "query/limits.h"
#include "query/metrics.h"
#include "query/parser/duration_expr.h"
#include "query/parser/parser.h"
#include "query/query_log.h"
#include "query/result_builder.h"

namespace tocsin::query {
namespace {

constexpr Duration kDefaultSubqueryStep{60'000};
// Steps whose values could not be held anyway; the API refuses far smaller numbers.
constexpr int64_t kMaxSteps = 50'000'000;

std::string_view TypeText(ValueType type) {
  switch (type) {
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    default:
      return ValueTypeName(type);
  }
}

Duration OrDefault(Duration asked, Duration otherwise) {
  return asked.count() > 0 ? asked : otherwise;
}

// Far beyond any sample, and far enough from the ends of int64 for sums with ranges.
Timestamp Bounded(Timestamp t) {
  constexpr int64_t kTimeLimit = int64_t{1} << 60;
  return {std::clamp(t.ms, -kTimeLimit, kTimeLimit)};
}

}  // namespace

struct Engine::Impl {
  Impl(const EngineOptions& o, const storage::Queryable& q, const Clock& c, MetricRegistry& m)
      : options(o),
        queryable(q),
        clock(c),
        metrics(m, o.max_concurrency),
        admission(o.max_concurrency, c),
        memory(o.max_memory_bytes) {}

  // `step` is 0 for instant queries.
  Result<QueryResult> Run(std::string_view text, Timestamp start, Timestamp end, Duration step,
                          const QueryOptions& query);
  Result<QueryResult> RunCounted(std::string_view text, Timestamp start, Timestamp end,
                                 Duration step, const QueryOptions& query, QueryStats* stats);
  Result<QueryResult> Evaluate(std::string_view text, const Expr& root, Timestamp start,
                               Timestamp end, Duration step, const QueryOptions& query,
                               QueryStats* stats);
  double SecondsSince(MonotonicTime began) const { return ToSeconds(clock.Monotonic() - began); }

  const EngineOptions options;
  const storage::Queryable& queryable;
  const Clock& clock;
  Metrics metrics;
  Admission admission;
  MemoryBudget memory;
  QueryLog log;
  std::unique_ptr<ActiveQueryLog> active;
  std::atomic<int64_t> subquery_step_ms{kDefaultSubqueryStep.count()};
};

Result<QueryResult> Engine::Impl::Run(std::string_view text, Timestamp start, Timestamp end,
                                      Duration step, const QueryOptions& query) {
  QueryStats stats;
  const MonotonicTime began = clock.Monotonic();
  auto result = RunCounted(text, start, end, step, query, &stats);
  stats.total_s = SecondsSince(began);
  if (result.ok()) result->stats = stats;
  if (log.enabled()) {
    log.Write(clock.Now(), text, start, end, step, query, stats,
              result.ok() ? nullptr : &result.error());
  }
  return result;
}

Result<QueryResult> Engine::Impl::RunCounted(std::string_view text, Timestamp start, Timestamp end,
                                             Duration step, const QueryOptions& query,
                                             QueryStats* stats) {
  const MonotonicTime began = clock.Monotonic();
  TOCSIN_ASSIGN(ExprPtr root, ParseExpr(text, options.features));
  if (step.count() > 0 && root->type != ValueType::kScalar && root->type != ValueType::kVector) {
    return InvalidArgument(
        fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant "
                    "Vector",
                    TypeText(root->type)));
  }
  TOCSIN_RETURN_IF_ERROR(ResolveDurations(*root, {step, end - start}));
  stats->prepare_s = SecondsSince(began);
  metrics.running.Add(1);
  const MonotonicTime ready = clock.Monotonic();
  auto result = Evaluate(text, *root, start, end, step, query, stats);
  metrics.running.Add(-1);
  metrics.duration.Observe(SecondsSince(ready));
  if (result.ok()) metrics.samples.Add(static_cast<double>(stats->samples_read));
  return result;
}

Result<QueryResult> Engine::Impl::Evaluate(std::string_view text, const Expr& root, Timestamp start,
                                           Timestamp end, Duration step, const QueryOptions& query,
                                           QueryStats* stats) {
  const Duration timeout = std::min(OrDefault(query.timeout, options.timeout), options.timeout);
  // Time in the queue counts against the timeout.
  Limits limits({options.max_samples, options.max_query_memory_bytes}, timeout, clock,
                query.canceled, &memory);
  const MonotonicTime began = clock.Monotonic();
  TOCSIN_ASSIGN(const Admission::Ticket ticket, admission.Enter(timeout, query.canceled));
  stats->queue_s = SecondsSince(began);
  std::optional<ActiveQueryLog::Entry> listed;
  if (active != nullptr) listed.emplace(*active, text, clock.Now());
  Annotations annotations;
  QueryContext context{options.features, queryable, limits, annotations};
  context.start_ms = start.ms;
  context.end_ms = end.ms;
  context.step_ms = step.count();
  context.lookback_ms = OrDefault(query.lookback_delta, options.lookback_delta).count();
  context.subquery_step_ms = subquery_step_ms.load(std::memory_order_relaxed);
  context.max_source_resolution_ms = query.max_source_resolution.count();
  context.helpers = options.helpers;
  context.max_helpers = options.max_helpers;
  Evaluator evaluator(context, root);

  QueryResult result;
  const MonotonicTime admitted = clock.Monotonic();
  const bool instant = step.count() == 0;
  const int64_t steps = instant ? 1 : (end.ms - start.ms) / step.count() + 1;
  if (steps > kMaxSteps) {
    return Error(ErrorCode::kLimit,
                 "query processing would load too many samples into memory in query execution");
  }
  StepGrid grid{start.ms, instant ? 1 : step.count(), static_cast<size_t>(steps)};
  const bool per_step = query.per_step_stats && options.features.per_step_stats;
  SampleCounts counts(grid.count, per_step);
  grid.counts = &counts;
  TOCSIN_ASSIGN(result.value,
                instant ? BuildInstant(evaluator, root, grid) : BuildRange(evaluator, root, grid));
  stats->inner_s = SecondsSince(admitted);
  result.warnings = annotations.Warnings(text);
  result.infos = annotations.Infos(text);
  stats->samples_read = limits.read();
  stats->peak_samples = limits.peak();
  stats->counted = counts.Total();
  for (size_t i = 0; per_step && i < counts.size(); ++i)
    stats->per_step.emplace_back(Timestamp{grid.at(i)}, counts.at(i));
  return result;
}

Engine::Engine(const EngineOptions& options, const storage::Queryable& queryable,
               const Clock& clock, MetricRegistry& metrics)
    : impl_(std::make_unique<Impl>(options, queryable, clock, metrics)) {}

Engine::~Engine() = default;

void Engine::SetDefaultSubqueryStep(Duration step) {
  if (step.count() > 0) impl_->subquery_step_ms.store(step.count(), std::memory_order_relaxed);
}

void Engine::SetQueryLog(std::shared_ptr<PlainFile> file) { impl_->log.SetFile(std::move(file)); }

void Engine::ListActiveQueries(std::unique_ptr<PlainFile> file) {
  impl_->active = std::make_unique<ActiveQueryLog>(std::move(file), impl_->options.max_concurrency);
}

Result<QueryResult> Engine::Instant(std::string_view query, Timestamp at,
                                    const QueryOptions& options) const {
  at = Bounded(at);
  return impl_->Run(query, at, at, Duration{0}, options);
}

Result<QueryResult> Engine::Range(std::string_view query, Timestamp start, Timestamp end,
                                  Duration step, const QueryOptions& options) const {
  if (step.count() <= 0 || end < start)
    return InvalidArgument("range query needs step > 0 and end >= start");
  return impl_->Run(query, Bounded(start), Bounded(end), step, options);
}

const EngineOptions& Engine::options() const { return impl_->options; }

}  // namespace tocsin::query
