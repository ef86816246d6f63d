// absent and absent_over_time: one element where there is none.
#include <set>

#include "query/evaluator.h"
#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

// The labels that a missing series would have had for sure: those a direct selector names by
// equality, once.
Labels LabelsOfMissing(const Expr& expr) {
  const VectorSelector* selector = nullptr;
  if (expr.kind == ExprKind::kVectorSelector) selector = &As<VectorSelector>(expr);
  if (expr.kind == ExprKind::kMatrixSelector) selector = As<MatrixSelector>(expr).selector.get();
  LabelsBuilder builder;
  if (selector == nullptr) return builder.Build();
  std::set<std::string_view> seen;
  for (const Matcher& m : selector->matchers) {
    if (m.name() == kMetricName) continue;
    if (m.op() == MatchOp::kEqual && seen.insert(m.name()).second) {
      builder.Set(m.name(), m.value());
    } else {
      builder.Del(m.name());
    }
  }
  return builder.Build();
}

// 1 where `present` is 0.
RowStreamPtr Missing(const Expr& arg, const std::vector<uint8_t>& present) {
  Row row;
  row.Clear(present.size());
  row.labels = LabelsOfMissing(arg);
  for (size_t i = 0; i < present.size(); ++i) {
    if (present[i] == 0) row.v[i] = 1;
  }
  Rows rows;
  rows.push_back(std::move(row));
  return std::make_unique<RowsStream>(std::move(rows), true);
}

Result<RowStreamPtr> Absence(FunctionCall& call) {
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  std::vector<uint8_t> present(call.grid().count, 0);
  Row row;
  while (true) {
    TOCSIN_ASSIGN(bool more, input->Next(&row));
    if (!more) return Missing(call.arg(0), present);
    for (size_t i = 0; i < present.size(); ++i) present[i] |= row.Has(i) ? 1 : 0;
  }
}

void MarkWindows(std::span<const int64_t> times, const WindowGrid& windows,
                 std::vector<uint8_t>* present) {
  size_t next = 0;  // first sample after the window's start
  for (size_t i = 0; i < windows.count; ++i) {
    const int64_t end = windows.end(i);
    while (next < times.size() && times[next] <= end - windows.range_ms) ++next;
    if (next < times.size() && times[next] <= end) (*present)[i] = 1;
  }
}

Result<RowStreamPtr> AbsenceOverTime(FunctionCall& call) {
  TOCSIN_ASSIGN(auto input, call.evaluator().Range(call.arg(0), call.grid(), "absent_over_time"));
  const SampleStreamPtr stream = input.TakeStream(call.context());
  std::vector<uint8_t> present(call.grid().count, 0);
  SampleSeries series;
  while (true) {
    TOCSIN_ASSIGN(bool more, stream->Next(&series));
    if (!more) return Missing(call.arg(0), present);
    MarkWindows(series.t, input.windows, &present);
    MarkWindows(series.ht, input.windows, &present);
  }
}

constexpr FunctionSpec kTable[] = {
    {.name = "absent", .args = {kVector}, .vector = &Absence},
    {.name = "absent_over_time", .args = {kMatrix}, .vector = &AbsenceOverTime},
};

}  // namespace

std::span<const FunctionSpec> AbsentFunctions() { return kTable; }

}  // namespace tocsin::query
