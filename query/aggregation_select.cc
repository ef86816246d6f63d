#include "query/aggregation_select.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "query/functions/range.h"
#include "query/grouping.h"
#include "query/histogram/text.h"
#include "storage/base/number.h"
#include "storage/model/matcher.h"

namespace tocsin::query {
namespace {

Error Failed(std::string message) { return Error(ErrorCode::kExecution, std::move(message)); }

std::string GoFloat(double v) {
  std::string text;
  AppendGoFloat(text, v);
  return text;
}

struct ParamRange {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  bool nan = false;
};

ParamRange RangeOf(const std::vector<double>& params) {
  ParamRange range;
  for (double p : params) {
    range.nan = range.nan || std::isnan(p);
    if (p < range.min) range.min = p;
    if (p > range.max) range.max = p;
  }
  return range;
}

// The parameter is judged before the data and over all steps. False: the answer is empty.
Result<bool> CheckCount(const ParamRange& range) {
  if (range.nan) return Failed("Parameter value is NaN");
  if (range.max < 1) return false;
  constexpr double kLimit = 9223372036854775808.0;
  if (range.min <= -kLimit) {
    return Failed(fmt::format("Scalar value {} underflows int64", GoFloat(range.min)));
  }
  if (range.max >= kLimit) {
    return Failed(fmt::format("Scalar value {} overflows int64", GoFloat(range.max)));
  }
  return true;
}

Result<bool> CheckRatio(QueryContext& context, const ParamRange& range, PositionRange pos) {
  if (range.nan) return Failed("Ratio value is NaN");
  if (range.min == 0 && range.max == 0) return false;
  auto warn = [&](double got, double cap) {
    context.annotations.Warn(
        fmt::format("ratio value should be between -1 and 1, got {}, capping to {}", GoFloat(got),
                    GoFloat(cap)),
        pos);
  };
  if (range.max > 1) warn(range.max, 1);
  if (range.min < -1) warn(range.min, -1);
  return true;
}

// The members of each group, in input order.
struct Members {
  Rows rows;
  Grouping grouping;
  std::vector<std::vector<size_t>> groups;
};

Result<Members> CollectMembers(Evaluator& evaluator, const AggregateExpr& expr,
                               const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  TOCSIN_ASSIGN(auto input, evaluator.Vector(*expr.expr, grid));
  Members members{{}, Grouping(context, expr), {}};
  TOCSIN_ASSIGN(members.rows, Collect(context, *input));
  if (expr.op == AggregateOp::kLimitk && Unwrap(*expr.expr).kind == ExprKind::kVectorSelector) {
    // What storage calls order is its own affair; which series are kept should not be.
    std::sort(members.rows.begin(), members.rows.end(),
              [](const Row& a, const Row& b) { return a.labels < b.labels; });
  }
  for (size_t i = 0; i < members.rows.size(); ++i) {
    const size_t group = members.grouping.GroupOf(members.rows[i].labels);
    if (group == members.groups.size()) members.groups.emplace_back();
    members.groups[group].push_back(i);
  }
  return members;
}

void InfoIgnoredHistograms(QueryContext& context, const AggregateExpr& expr, const Rows& rows,
                           PositionRange pos) {
  for (const Row& row : rows) {
    if (std::none_of(row.h.begin(), row.h.end(), [](const auto& h) { return h != nullptr; })) {
      continue;
    }
    context.annotations.Info(
        fmt::format("ignored histogram in {} aggregation", AggregateOpText(expr.op)), pos);
    return;
  }
}

// A binary heap whose top is the element to give up first. Which of equal values stay depends on
// the exact steps of insertion, so they are those of the reference implementation.
class TopHeap {
 public:
  TopHeap(bool top, size_t k) : top_(top), k_(k) {}

  void Offer(double v, size_t row) {
    if (heap_.size() < k_) {
      heap_.push_back({v, row});
      Up(heap_.size() - 1);
    } else if (Before(heap_[0].v, v) || (std::isnan(heap_[0].v) && !std::isnan(v))) {
      heap_[0] = {v, row};
      Down(0);
    }
  }
  // Best first.
  std::vector<size_t> Sorted() {
    std::stable_sort(heap_.begin(), heap_.end(), [&](const Item& a, const Item& b) {
      if (std::isnan(a.v) || std::isnan(b.v)) return !std::isnan(a.v) && std::isnan(b.v);
      return Before(b.v, a.v);
    });
    std::vector<size_t> rows;
    for (const Item& item : heap_) rows.push_back(item.row);
    return rows;
  }

 private:
  struct Item {
    double v;
    size_t row;
  };
  bool Before(double a, double b) const { return top_ ? a < b : a > b; }
  bool Less(size_t i, size_t j) const {
    return std::isnan(heap_[i].v) || Before(heap_[i].v, heap_[j].v);
  }
  void Up(size_t j) {
    while (j > 0) {
      const size_t parent = (j - 1) / 2;
      if (!Less(j, parent)) return;
      std::swap(heap_[parent], heap_[j]);
      j = parent;
    }
  }
  void Down(size_t i) {
    while (true) {
      size_t child = 2 * i + 1;
      if (child >= heap_.size()) return;
      if (child + 1 < heap_.size() && Less(child + 1, child)) ++child;
      if (!Less(child, i)) return;
      std::swap(heap_[i], heap_[child]);
      i = child;
    }
  }

  const bool top_;
  const size_t k_;
  std::vector<Item> heap_;
};

// Copies step `i` of a row.
void Keep(const Row& from, size_t i, Row* to) {
  to->v[i] = from.v[i];
  if (from.HasHistogram(i)) to->SetHistogram(i, from.h[i]);
}

// Rows like the input's, without values yet.
Rows Blank(const Rows& rows, size_t steps) {
  Rows blank(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    blank[i].Clear(steps);
    blank[i].labels = rows[i].labels;
    blank[i].drop_name = rows[i].drop_name;
  }
  return blank;
}

// The members chosen at one step, in the order an instant query shows them.
std::vector<size_t> TopOf(const Members& members, const std::vector<size_t>& group, bool top,
                          double k, size_t step) {
  TopHeap heap(top, static_cast<size_t>(std::min<double>(k, static_cast<double>(group.size()))));
  for (size_t row : group) {
    const double v = members.rows[row].v[step];
    if (IsPresent(v)) heap.Offer(v, row);
  }
  return heap.Sorted();
}

std::vector<size_t> FirstOf(const Members& members, const std::vector<size_t>& group, double k,
                            size_t step) {
  std::vector<size_t> chosen;
  for (size_t row : group) {
    if (static_cast<double>(chosen.size() + 1) > k) break;
    if (members.rows[row].Has(step)) chosen.push_back(row);
  }
  return chosen;
}

// A stable pseudo-random share of the series, by the hash of their labels.
std::vector<size_t> RatioOf(const Members& members, const std::vector<size_t>& group, double ratio,
                            size_t step) {
  std::vector<size_t> chosen;
  ratio = std::clamp(ratio, -1.0, 1.0);
  for (size_t row : group) {
    if (!members.rows[row].Has(step)) continue;
    const double offset = static_cast<double>(members.rows[row].labels.Hash()) /
                          static_cast<double>(std::numeric_limits<uint64_t>::max());
    if (ratio >= 0 ? offset < ratio : offset >= 1.0 + ratio) chosen.push_back(row);
  }
  return chosen;
}

std::vector<size_t> Choose(const AggregateExpr& expr, const Members& members,
                           const std::vector<size_t>& group, double param, size_t step) {
  switch (expr.op) {
    case AggregateOp::kLimitRatio:
      return param == 0 ? std::vector<size_t>() : RatioOf(members, group, param, step);
    case AggregateOp::kLimitk:
      return FirstOf(members, group, std::trunc(param), step);
    default:
      if (param < 1) return {};
      return TopOf(members, group, expr.op == AggregateOp::kTopk, std::trunc(param), step);
  }
}

}  // namespace

Result<RowStreamPtr> SelectMembers(Evaluator& evaluator, const AggregateExpr& expr,
                                   const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  TOCSIN_ASSIGN(auto params, evaluator.Scalar(*expr.param, grid));
  const ParamRange range = RangeOf(params);
  TOCSIN_ASSIGN(bool any, expr.op == AggregateOp::kLimitRatio
                              ? CheckRatio(context, range, expr.param->pos)
                              : CheckCount(range));
  if (!any) return RowStreamPtr(std::make_unique<RowsStream>(Rows(), true));
  HoldScope scope(context.limits);
  TOCSIN_ASSIGN(Members members, CollectMembers(evaluator, expr, grid));
  if (expr.op == AggregateOp::kTopk || expr.op == AggregateOp::kBottomk) {
    InfoIgnoredHistograms(context, expr, members.rows, expr.pos);
  }
  Rows results = Blank(members.rows, grid.count);
  scope.Keep(SizeOf(results));
  std::vector<size_t> order;
  for (const auto& group : members.groups) {
    for (size_t step = 0; step < grid.count; ++step) {
      for (size_t row : Choose(expr, members, group, params[step], step)) {
        Keep(members.rows[row], step, &results[row]);
        if (grid.count == 1) order.push_back(row);
      }
    }
  }
  if (grid.count > 1) return RowStreamPtr(std::make_unique<RowsStream>(std::move(results)));
  Rows ordered;
  for (size_t row : order) ordered.push_back(std::move(results[row]));
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(ordered)));
}

Result<RowStreamPtr> AggregateQuantile(Evaluator& evaluator, const AggregateExpr& expr,
                                       const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  TOCSIN_ASSIGN(auto params, evaluator.Scalar(*expr.param, grid));
  const ParamRange range = RangeOf(params);
  if (range.nan) WarnQuantile(context, NormalNaN(), expr.param->pos);
  if (range.max > 1) WarnQuantile(context, range.max, expr.param->pos);
  if (range.min < 0) WarnQuantile(context, range.min, expr.param->pos);
  HoldScope scope(context.limits);
  TOCSIN_ASSIGN(Members members, CollectMembers(evaluator, expr, grid));
  InfoIgnoredHistograms(context, expr, members.rows, expr.expr->pos);
  Rows results;
  std::vector<double> values;
  for (size_t group = 0; group < members.groups.size(); ++group) {
    Row row;
    row.Clear(grid.count);
    row.labels = members.grouping.key(group);
    for (size_t member : members.groups[group]) {
      row.drop_name = row.drop_name || members.rows[member].drop_name;
    }
    for (size_t step = 0; step < grid.count; ++step) {
      values.clear();
      for (size_t member : members.groups[group]) {
        const double v = members.rows[member].v[step];
        if (IsPresent(v)) values.push_back(v);
      }
      if (!values.empty()) row.v[step] = Quantile(params[step], &values);
    }
    results.push_back(std::move(row));
  }
  scope.Keep(SizeOf(results));
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(results)));
}

Result<RowStreamPtr> CountValues(Evaluator& evaluator, const AggregateExpr& expr,
                                 const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  const std::string& label = Evaluator::Text(*expr.param);
  if (!IsValidLabelName(label)) {
    std::string quoted;
    AppendGoQuoted(quoted, label);
    return Failed("invalid label name " + quoted);
  }
  TOCSIN_ASSIGN(auto input, evaluator.Vector(*expr.expr, grid));
  Grouping grouping(context, expr, label);
  LabelsBuilder builder;
  Rows results;
  Row row;
  std::string text;
  while (true) {
    TOCSIN_ASSIGN(bool more, input->Next(&row));
    if (!more) return RowStreamPtr(std::make_unique<RowsStream>(std::move(results)));
    std::optional<double> last;
    size_t group = 0;
    for (size_t i = 0; i < grid.count; ++i) {
      if (!row.Has(i)) continue;
      const bool histogram = row.HasHistogram(i);
      if (histogram || !last || *last != row.v[i]) {  // runs of one value are common
        text.clear();
        if (histogram) {
          text = HistogramText(*row.h[i]);
        } else {
          AppendPlainFloat(text, row.v[i]);
        }
        builder.Reset(row.labels);
        builder.Set(label, text);
        group = grouping.GroupOf(builder.Build());
        last.reset();
        if (!histogram) last = row.v[i];
      }
      if (group == results.size()) {
        TOCSIN_RETURN_IF_ERROR(context.limits.Hold(grid.count));
        results.emplace_back();
        results.back().Clear(grid.count);
        results.back().labels = grouping.key(group);
      }
      Row& result = results[group];
      result.drop_name = result.drop_name || row.drop_name;
      result.v[i] = IsAbsent(result.v[i]) ? 1 : result.v[i] + 1;
    }
  }
}

}  // namespace tocsin::query
