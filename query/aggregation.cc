#include "query/aggregation.h"

#include "query/aggregation_fold.h"
#include "query/aggregation_select.h"
#include "query/grouping.h"

namespace tocsin::query {
namespace {

Result<RowStreamPtr> FoldRows(Evaluator& evaluator, const AggregateExpr& expr,
                              const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  TOCSIN_ASSIGN(auto input, evaluator.Vector(*expr.expr, grid));
  Grouping grouping(context, expr);
  auto fold = MakeFold(context, expr, grid.count);
  std::vector<bool> drop_name;
  Row row;
  while (true) {
    TOCSIN_ASSIGN(bool more, input->Next(&row));
    if (!more) break;
    if (row.Empty()) continue;
    const size_t group = grouping.GroupOf(row.labels);
    if (group == drop_name.size()) {
      TOCSIN_RETURN_IF_ERROR(context.limits.Hold(grid.count));
      fold->AddGroup();
      drop_name.push_back(false);
    }
    drop_name[group] = drop_name[group] || row.drop_name;
    fold->Add(row, group);
  }
  Rows rows(grouping.size());
  bool named = false;
  for (size_t group = 0; group < rows.size(); ++group) {
    rows[group].Clear(grid.count);
    rows[group].labels = grouping.key(group);
    rows[group].drop_name = drop_name[group];
    named = named || rows[group].labels.Has(kMetricName);
    fold->Finish(group, &rows[group]);
  }
  const bool distinct = !named && !context.features.type_and_unit_labels;
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(rows), distinct));
}

}  // namespace

Result<RowStreamPtr> EvaluateAggregation(Evaluator& evaluator, const AggregateExpr& expr,
                                         const StepGrid& grid) {
  switch (expr.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return SelectMembers(evaluator, expr, grid);
    case AggregateOp::kQuantile:
      return AggregateQuantile(evaluator, expr, grid);
    case AggregateOp::kCountValues:
      return CountValues(evaluator, expr, grid);
    default:
      return FoldRows(evaluator, expr, grid);
  }
}

}  // namespace tocsin::query
