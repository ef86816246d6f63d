#include "query/evaluator.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/aggregation.h"
#include "query/binary_op.h"
#include "query/functions/map_stream.h"
#include "query/functions/range.h"
#include "query/histogram/flat.h"
#include "query/levels.h"
#include "query/parallel_stream.h"
#include "query/selector.h"
#include "query/smoothed_selector.h"
#include "query/subquery.h"

namespace tocsin::query {
namespace {

// Repeats the single step of a step-invariant part on the whole grid.
class RepeatStream final : public RowStream {
 public:
  RepeatStream(RowStreamPtr input, size_t steps) : input_(std::move(input)), steps_(steps) {}
  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, input_->Next(row));
    if (!more) return false;
    row->v.resize(steps_, row->v[0]);
    if (!row->h.empty()) {
      const HistogramPtr first = row->h[0];
      row->h.resize(steps_, first);
    }
    return true;
  }
  bool distinct_without_name() const override { return input_->distinct_without_name(); }

 private:
  RowStreamPtr input_;
  const size_t steps_;
};

// Which functions know what to do with anchored and smoothed windows.
Status CheckModifier(const VectorSelector& selector, std::string_view function) {
  if (function.empty() || (!selector.anchored && !selector.smoothed)) return OkStatus();
  constexpr std::string_view kBoth[] = {"delta", "increase", "rate"};
  if (std::find(std::begin(kBoth), std::end(kBoth), function) != std::end(kBoth)) return OkStatus();
  if (selector.anchored) {
    if (function == "changes" || function == "resets") return OkStatus();
    return Error(ErrorCode::kExecution,
                 fmt::format("anchored modifier can only be used with: changes, delta, increase, "
                             "rate, resets - not with {}",
                             function));
  }
  return Error(ErrorCode::kExecution,
               fmt::format("smoothed modifier can only be used with: delta, increase, rate - not "
                           "with {}",
                           function));
}

// A call of a range function: what it needs beside the samples of a series.
struct RangeFunctionCall {
  const Call& call;
  const StepGrid grid;
  const WindowGrid windows;
  const RangeMode mode;
  const LevelEdges edges;
  std::vector<std::vector<double>> params;
  std::vector<PositionRange> param_pos;
  PositionRange range_pos;

  Status EvaluateParams(Evaluator& evaluator) {
    for (const ExprPtr& arg : call.args) {
      if (arg->type == ValueType::kMatrix) {
        range_pos = arg->pos;
        continue;
      }
      TOCSIN_ASSIGN(auto param, evaluator.Scalar(*arg, grid));
      params.push_back(std::move(param));
      param_pos.push_back(arg->pos);
    }
    return OkStatus();
  }
};

// Runs a range function over series.
class RangeFunctionStream final : public RowStream {
 public:
  RangeFunctionStream(QueryContext& context, std::shared_ptr<const RangeFunctionCall> function,
                      SampleStreamPtr samples)
      : context_(context),
        function_(std::move(function)),
        samples_(std::move(samples)),
        index_(function_->windows) {}

  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, samples_->Next(&series_));
    if (!more) return false;
    const RangeFunctionCall& function = *function_;
    row->Clear(function.grid.count);
    row->labels = series_.labels;
    row->drop_name = series_.drop_name;
    if (series_.t.empty() && series_.h.empty() && series_.cells.empty()) return true;
    RangeCall call{context_,
                   series_,
                   function.grid,
                   function.windows,
                   index_,
                   function.params,
                   function.param_pos,
                   series_.labels.name(),
                   function.range_pos,
                   function.mode,
                   context_.lookback_ms,
                   *row,
                   {}};
    const FunctionSpec& spec = *function.call.function;
    if (function.edges.empty()) {
      spec.range(call);
    } else {
      LevelCall level{call, function.edges};
      spec.level(level);
    }
    TOCSIN_RETURN_IF_ERROR(call.status);
    if (function.grid.counts != nullptr) CountSamples();
    if (!spec.keeps_name) ForgetName(context_, row);
    return true;
  }
  bool distinct_without_name() const override { return samples_->distinct_without_name(); }

 private:
  void CountSamples() {
    const StepGrid& grid = function_->grid;
    if (series_.h.empty() && !grid.counts->each()) return grid.Count(0, index_.Covered(series_.t));
    size_t f_seen = 0, h_seen = 0;
    ForEachMixedWindow(series_, function_->windows, [&](size_t step, const MixedWindow& w) {
      SampleCount n{w.floats(), w.f_end - std::max(w.f, f_seen)};
      for (size_t i = w.h; i < w.h_end; ++i) {
        const uint64_t size = SizeOf(*series_.h[i]);
        n.queryable += size;
        if (i >= h_seen) n.read += size;
      }
      f_seen = std::max(f_seen, w.f_end);
      h_seen = std::max(h_seen, w.h_end);
      grid.Count(step, n);
    });
  }

  QueryContext& context_;
  const std::shared_ptr<const RangeFunctionCall> function_;
  SampleStreamPtr samples_;
  WindowIndex index_;
  SampleSeries series_;
};

Result<RowStreamPtr> RunRangeFunction(QueryContext& context,
                                      std::shared_ptr<const RangeFunctionCall> function,
                                      RangeInput input) {
  if (input.stream != nullptr) {
    return RowStreamPtr(std::make_unique<RangeFunctionStream>(context, std::move(function),
                                                              std::move(input.stream)));
  }
  const size_t steps = function->grid.count;
  return MakeParallel(context, input.samples.count, steps, input.samples.distinct_without_name,
                      [function = std::move(function), open = std::move(input.samples.open)](
                          QueryContext& own, size_t begin, size_t end) {
                        return RowStreamPtr(std::make_unique<RangeFunctionStream>(
                            own, function, open(own, begin, end)));
                      });
}

}  // namespace

Evaluator::Evaluator(QueryContext& context, const Expr& root) : context_(context) {
  FindInvariant(root);
  FindCountsOnly(root, false);
}

bool Evaluator::FindInvariant(const Expr& expr) {
  bool invariant = true;
  ForEachChild(expr, [&](const Expr& child) { invariant &= FindInvariant(child); });
  auto pinned = [](const TimeModifiers& time) {
    return time.at.has_value() || time.at_bound != AtBound::kNone;
  };
  if (expr.kind == ExprKind::kVectorSelector) invariant = pinned(As<VectorSelector>(expr).time);
  if (expr.kind == ExprKind::kSubquery) invariant = pinned(As<SubqueryExpr>(expr).time);
  if (expr.kind == ExprKind::kCall && As<Call>(expr).function->step_dependent) invariant = false;
  if (invariant) invariant_.insert(&expr);
  return invariant;
}

void Evaluator::FindCountsOnly(const Expr& expr, bool counts_only) {
  if (expr.kind == ExprKind::kCall) {
    const std::string_view name = As<Call>(expr).function->name;
    if (name == "histogram_count" || name == "histogram_sum" || name == "histogram_avg") {
      counts_only = true;
    } else if (name == "histogram_quantile" || name == "histogram_quantiles" ||
               name == "histogram_fraction") {
      counts_only = false;
    }
  }
  if (expr.kind == ExprKind::kSubquery) counts_only = false;
  if (expr.kind == ExprKind::kBinary && IsTrim(As<BinaryExpr>(expr).op)) counts_only = false;
  if (expr.kind == ExprKind::kVectorSelector && counts_only) counts_only_.insert(&expr);
  ForEachChild(expr, [&](const Expr& child) { FindCountsOnly(child, counts_only); });
}

const std::string& Evaluator::Text(const Expr& expr) {
  return As<StringLiteral>(Unwrap(expr)).value;
}

Result<RowStreamPtr> Evaluator::Vector(const Expr& expr, const StepGrid& grid) {
  if (grid.count == 1 || !invariant_.contains(&expr)) return VectorOnGrid(expr, grid);
  TOCSIN_ASSIGN(auto once, VectorOnGrid(expr, grid.Once()));
  return RowStreamPtr(std::make_unique<RepeatStream>(std::move(once), grid.count));
}

Result<RowStreamPtr> Evaluator::VectorOnGrid(const Expr& expr, const StepGrid& grid) {
  TOCSIN_RETURN_IF_ERROR(context_.limits.CheckNow());
  switch (expr.kind) {
    case ExprKind::kParen:
      return VectorOnGrid(*As<ParenExpr>(expr).expr, grid);
    case ExprKind::kUnary: {
      const auto& unary = As<UnaryExpr>(expr);
      return unary.negative ? Negate(*unary.expr, grid) : VectorOnGrid(*unary.expr, grid);
    }
    case ExprKind::kBinary:
      return EvaluateBinary(*this, As<BinaryExpr>(expr), grid);
    case ExprKind::kCall:
      return CallVector(As<Call>(expr), grid);
    case ExprKind::kAggregate:
      return EvaluateAggregation(*this, As<AggregateExpr>(expr), grid);
    case ExprKind::kVectorSelector:
      if (As<VectorSelector>(expr).smoothed) {
        return SelectSmoothed(context_, As<VectorSelector>(expr), grid);
      }
      return SelectInstant(context_, As<VectorSelector>(expr), grid,
                           {SelectorOutput::kValue, "", CountsOnly(As<VectorSelector>(expr))});
    default:
      return Internal("not an instant vector");
  }
}

Result<RowStreamPtr> Evaluator::Negate(const Expr& expr, const StepGrid& grid) {
  TOCSIN_ASSIGN(auto input, Vector(expr, grid));
  return ChangeRows(context_, std::move(input), [](Row& row) {
    for (double& x : row.v) {
      if (IsPresent(x)) x = -x;
    }
    for (HistogramPtr& h : row.h) {
      if (h == nullptr) continue;
      FlatHistogram negated(*h);
      negated.Multiply(-1);
      h = negated.ToShared();
    }
  });
}

Result<RowStreamPtr> Evaluator::CallVector(const Call& call, const StepGrid& grid) {
  const FunctionSpec& function = *call.function;
  FunctionCall arguments(*this, call, grid);
  if (function.map != nullptr) {
    return MapFloats(arguments, 0, [f = function.map](double x, size_t) { return f(x); });
  }
  if (function.range != nullptr) return CallRange(call, grid);
  if (function.vector != nullptr) return function.vector(arguments);
  return Unsupported(fmt::format("function \"{}\" is not supported yet", function.name));
}

Result<RowStreamPtr> Evaluator::CallRange(const Call& call, const StepGrid& grid) {
  const auto range = std::find_if(call.args.begin(), call.args.end(), [](const ExprPtr& arg) {
    return arg->type == ValueType::kMatrix;
  });
  TOCSIN_ASSIGN(auto input,
                Range(**range, grid, call.function->name, call.function->level != nullptr));
  auto function = std::make_shared<RangeFunctionCall>(RangeFunctionCall{
      call, grid, input.windows, input.mode, LevelEdges(input.levels), {}, {}, {}});
  TOCSIN_RETURN_IF_ERROR(function->EvaluateParams(*this));
  TOCSIN_ASSIGN(auto stream, RunRangeFunction(context_, std::move(function), std::move(input)));
  if (call.function->keeps_name) return stream;
  return UnifyAfterDrop(context_, std::move(stream), OnDuplicate::kFail);
}

Result<RangeInput> Evaluator::Range(const Expr& expr, const StepGrid& grid,
                                    std::string_view function, bool levels) {
  const Expr& inner = Unwrap(expr);
  if (inner.kind == ExprKind::kMatrixSelector) {
    const auto& matrix = As<MatrixSelector>(inner);
    TOCSIN_RETURN_IF_ERROR(CheckModifier(*matrix.selector, function));
    return SelectRange(context_, matrix, grid,
                       {SelectorOutput::kValue, function, CountsOnly(*matrix.selector), levels});
  }
  if (inner.kind == ExprKind::kSubquery) {
    return EvaluateSubquery(*this, As<SubqueryExpr>(inner), grid);
  }
  return Internal("not a range vector");
}

Result<std::vector<double>> Evaluator::Scalar(const Expr& expr, const StepGrid& grid) {
  if (grid.count == 1 || !invariant_.contains(&expr)) return ScalarOnGrid(expr, grid);
  TOCSIN_ASSIGN(auto once, ScalarOnGrid(expr, grid.Once()));
  return std::vector<double>(grid.count, once[0]);
}

Result<std::vector<double>> Evaluator::ScalarOnGrid(const Expr& expr, const StepGrid& grid) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      return std::vector<double>(grid.count, As<NumberLiteral>(expr).value);
    case ExprKind::kParen:
      return ScalarOnGrid(*As<ParenExpr>(expr).expr, grid);
    case ExprKind::kUnary: {
      const auto& unary = As<UnaryExpr>(expr);
      TOCSIN_ASSIGN(auto values, Scalar(*unary.expr, grid));
      if (unary.negative) {
        for (double& x : values) x = -x;
      }
      return values;
    }
    case ExprKind::kBinary:
      return EvaluateScalarBinary(*this, As<BinaryExpr>(expr), grid);
    case ExprKind::kCall: {
      const Call& call = As<Call>(expr);
      FunctionCall arguments(*this, call, grid);
      if (call.function->scalar != nullptr) return call.function->scalar(arguments);
      return Unsupported(fmt::format("function \"{}\" is not supported yet", call.function->name));
    }
    default:
      return Internal("not a scalar");
  }
}

}  // namespace tocsin::query
