// Walks the tree of a query. Every node is evaluated for all steps of its grid at once; vectors
// come out as streams of rows, so a node holds only as much as its meaning needs.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "query/context.h"
#include "query/functions/spec.h"
#include "query/parser/ast.h"
#include "query/row.h"
#include "storage/queryable.h"

namespace tocsin::query {

// The window of step i is (end(i) - range, end(i)].
struct WindowGrid {
  int64_t first_end_ms = 0;
  int64_t step_ms = 0;  // 0 when pinned by @
  int64_t range_ms = 0;
  size_t count = 1;

  int64_t end(size_t i) const { return first_end_ms + static_cast<int64_t>(i) * step_ms; }
};

// How samples at and around the edges of a window count.
enum class RangeMode {
  kPlain,
  kAnchored,  // the newest sample before the window belongs to it
  kSmoothed,  // values at the edges are interpolated
};

// The samples of `count` series, which may be read in parts by several threads, each with a context
// of its own that outlives its part.
struct SamplesOfSeries {
  size_t count = 0;
  bool distinct_without_name = false;  // as of the streams
  std::function<SampleStreamPtr(QueryContext& context, size_t begin, size_t end)> open;
};

// A range vector: series with all samples any window needs. For other modes than kPlain those reach
// one lookback beyond the windows.
struct RangeInput {
  // One of the two: what a selector reads, or what a subquery gives.
  SamplesOfSeries samples;
  SampleStreamPtr stream;
  WindowGrid windows;
  RangeMode mode = RangeMode::kPlain;
  // Where cells of a level stand for samples; the series have cells then. Only when asked for.
  std::vector<storage::LevelRegion> levels;

  // All series, for who reads them on one thread. Once.
  SampleStreamPtr TakeStream(QueryContext& context) {
    return stream != nullptr ? std::move(stream) : samples.open(context, 0, samples.count);
  }
};

// One thread, one query.
class Evaluator {
 public:
  // REQUIRES: `root` has its durations resolved; both outlive this.
  Evaluator(QueryContext& context, const Expr& root);

  QueryContext& context() const { return context_; }

  // REQUIRES: expr.type is the one named, and `expr` is part of the root.
  Result<RowStreamPtr> Vector(const Expr& expr, const StepGrid& grid);
  Result<std::vector<double>> Scalar(const Expr& expr, const StepGrid& grid);
  // `function` is the one around it.
  // `levels`: the caller reads cells of a level.
  Result<RangeInput> Range(const Expr& expr, const StepGrid& grid, std::string_view function = "",
                           bool levels = false);
  // Whether only counts and sums of the selector's histograms are looked at.
  bool CountsOnly(const VectorSelector& selector) const { return counts_only_.contains(&selector); }
  static const std::string& Text(const Expr& expr);

 private:
  bool FindInvariant(const Expr& expr);
  void FindCountsOnly(const Expr& expr, bool counts_only);
  Result<RowStreamPtr> VectorOnGrid(const Expr& expr, const StepGrid& grid);
  Result<std::vector<double>> ScalarOnGrid(const Expr& expr, const StepGrid& grid);
  Result<RowStreamPtr> CallVector(const Call& call, const StepGrid& grid);
  Result<RowStreamPtr> CallRange(const Call& call, const StepGrid& grid);
  Result<RowStreamPtr> Negate(const Expr& expr, const StepGrid& grid);

  QueryContext& context_;
  // Nodes whose value is the same at every step, because @ pins all their selectors.
  std::set<const Expr*> invariant_;
  std::set<const Expr*> counts_only_;
};

// The arguments of a function, for those that evaluate them themselves.
class FunctionCall {
 public:
  FunctionCall(Evaluator& evaluator, const Call& call, const StepGrid& grid)
      : evaluator_(evaluator), call_(call), grid_(grid) {}

  QueryContext& context() const { return evaluator_.context(); }
  Evaluator& evaluator() const { return evaluator_; }
  const StepGrid& grid() const { return grid_; }
  const Call& expr() const { return call_; }
  size_t size() const { return call_.args.size(); }
  const Expr& arg(size_t i) const { return *call_.args[i]; }
  PositionRange pos(size_t i) const { return call_.args[i]->pos; }

  Result<RowStreamPtr> Vector(size_t i) { return evaluator_.Vector(arg(i), grid_); }
  Result<std::vector<double>> Scalar(size_t i) { return evaluator_.Scalar(arg(i), grid_); }
  const std::string& Text(size_t i) const { return Evaluator::Text(arg(i)); }

 private:
  Evaluator& evaluator_;
  const Call& call_;
  const StepGrid& grid_;
};

}  // namespace tocsin::query
