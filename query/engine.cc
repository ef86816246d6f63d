#include "query/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "query/admission.h"
#include "query/annotations.h"
#include "query/context.h"
#include "query/evaluator.h"
#include "query/limits.h"
#include "query/metrics.h"
#include "query/parser/duration_expr.h"
#include "query/parser/parser.h"
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
        admission(o.max_concurrency, c) {}

  // `step` is 0 for instant queries.
  Result<QueryResult> Run(std::string_view text, Timestamp start, Timestamp end, Duration step,
                          const QueryOptions& query) const;
  Result<QueryResult> Evaluate(std::string_view text, const Expr& root, Timestamp start,
                               Timestamp end, Duration step, const QueryOptions& query) const;

  const EngineOptions options;
  const storage::Queryable& queryable;
  const Clock& clock;
  Metrics metrics;
  mutable Admission admission;
  std::atomic<int64_t> subquery_step_ms{kDefaultSubqueryStep.count()};
};

Result<QueryResult> Engine::Impl::Run(std::string_view text, Timestamp start, Timestamp end,
                                      Duration step, const QueryOptions& query) const {
  TOCSIN_ASSIGN(ExprPtr root, ParseExpr(text, options.features));
  if (step.count() > 0 && root->type != ValueType::kScalar && root->type != ValueType::kVector) {
    return InvalidArgument(
        fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant "
                    "Vector",
                    TypeText(root->type)));
  }
  TOCSIN_RETURN_IF_ERROR(ResolveDurations(*root, {step, end - start}));
  metrics.running.Add(1);
  const MonotonicTime began = clock.Monotonic();
  auto result = Evaluate(text, *root, start, end, step, query);
  metrics.running.Add(-1);
  metrics.duration.Observe(ToSeconds(clock.Monotonic() - began));
  if (result.ok()) metrics.samples.Add(static_cast<double>(result->stats.samples_read));
  return result;
}

Result<QueryResult> Engine::Impl::Evaluate(std::string_view text, const Expr& root, Timestamp start,
                                           Timestamp end, Duration step,
                                           const QueryOptions& query) const {
  const Duration timeout = std::min(OrDefault(query.timeout, options.timeout), options.timeout);
  // Time in the queue counts against the timeout.
  Limits limits(options.max_samples, timeout, clock, query.canceled);
  TOCSIN_ASSIGN(const Admission::Ticket ticket, admission.Enter(timeout, query.canceled));
  Annotations annotations;
  QueryContext context{options.features, queryable, limits, annotations};
  context.start_ms = start.ms;
  context.end_ms = end.ms;
  context.step_ms = step.count();
  context.lookback_ms = OrDefault(query.lookback_delta, options.lookback_delta).count();
  context.subquery_step_ms = subquery_step_ms.load(std::memory_order_relaxed);
  context.max_source_resolution_ms = query.max_source_resolution.count();
  Evaluator evaluator(context, root);

  QueryResult result;
  if (step.count() == 0) {
    TOCSIN_ASSIGN(result.value, BuildInstant(evaluator, root, start.ms));
  } else {
    const int64_t steps = (end.ms - start.ms) / step.count() + 1;
    if (steps > kMaxSteps) {
      return Error(ErrorCode::kLimit,
                   "query processing would load too many samples into memory in query execution");
    }
    const StepGrid grid{start.ms, step.count(), static_cast<size_t>(steps)};
    TOCSIN_ASSIGN(result.value, BuildRange(evaluator, root, grid));
  }
  result.warnings = annotations.Warnings(text);
  result.infos = annotations.Infos(text);
  result.stats = {limits.read(), limits.peak()};
  return result;
}

Engine::Engine(const EngineOptions& options, const storage::Queryable& queryable,
               const Clock& clock, MetricRegistry& metrics)
    : impl_(std::make_unique<Impl>(options, queryable, clock, metrics)) {}

Engine::~Engine() = default;

void Engine::SetDefaultSubqueryStep(Duration step) {
  if (step.count() > 0) impl_->subquery_step_ms.store(step.count(), std::memory_order_relaxed);
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
