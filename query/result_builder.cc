#include "query/result_builder.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>

#include "query/functions/extended_range.h"

namespace tocsin::query {
namespace {

void DropFlagged(const QueryContext& context, bool drop_name, Labels* labels) {
  if (drop_name) *labels = DropMetricName(context, *labels);
}

Result<Value> InstantVector(Evaluator& evaluator, const Expr& root, const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  TOCSIN_ASSIGN(auto stream, evaluator.Vector(root, grid));
  TOCSIN_ASSIGN(Rows rows, Collect(context, *stream));
  Vector vector;
  absl::flat_hash_set<Labels, LabelsHash> seen;
  for (Row& row : rows) {
    DropFlagged(context, row.drop_name, &row.labels);
    if (!seen.insert(row.labels).second) return DuplicateLabelSet();
    VectorElement element{std::move(row.labels), Timestamp{grid.start_ms}, 0, nullptr};
    if (row.HasHistogram(0)) {
      element.h = std::move(row.h[0]);
    } else {
      element.v = row.v[0];
    }
    vector.push_back(std::move(element));
  }
  return Value{std::move(vector)};
}

void SortByLabels(Matrix* matrix) {
  std::sort(matrix->begin(), matrix->end(),
            [](const Series& a, const Series& b) { return a.labels < b.labels; });
}

// A window with its edges instead of the samples beyond them.
Status ExtendedSeries(const QueryContext& context, const RangeInput& input,
                      const SampleSeries& samples, Series* series) {
  if (!samples.h.empty()) {
    return Error(ErrorCode::kExecution,
                 fmt::format("{} modifier is not supported with histograms",
                             input.mode == RangeMode::kAnchored ? "anchored" : "smoothed"));
  }
  for (auto [t, v] : ExtendedPoints(samples, input.windows, input.mode, context.lookback_ms)) {
    series->floats.push_back({Timestamp{t}, v});
  }
  return OkStatus();
}

// Samples of a range vector, as they are.
Result<Value> RawMatrix(Evaluator& evaluator, const Expr& root, const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  TOCSIN_ASSIGN(auto input, evaluator.Range(root, grid));
  const SampleStreamPtr stream = input.TakeStream(context);
  Matrix matrix;
  absl::flat_hash_set<Labels, LabelsHash> seen;
  SampleSeries samples;
  while (true) {
    TOCSIN_ASSIGN(bool more, stream->Next(&samples));
    if (!more) break;
    if (samples.t.empty() && samples.ht.empty()) continue;
    uint64_t size = samples.t.size();
    for (const HistogramPtr& h : samples.h) size += SizeOf(*h);
    if (grid.counts != nullptr) grid.Count(0, {size, size});
    TOCSIN_RETURN_IF_ERROR(context.limits.Hold(samples.t.size() + samples.ht.size()));
    DropFlagged(context, samples.drop_name, &samples.labels);
    if (!seen.insert(samples.labels).second) return DuplicateLabelSet();
    Series series{samples.labels, {}, {}};
    if (input.mode != RangeMode::kPlain) {
      TOCSIN_RETURN_IF_ERROR(ExtendedSeries(context, input, samples, &series));
      if (!series.floats.empty()) matrix.push_back(std::move(series));
      continue;
    }
    series.floats.reserve(samples.t.size());
    for (size_t i = 0; i < samples.t.size(); ++i) {
      series.floats.push_back({Timestamp{samples.t[i]}, samples.v[i]});
    }
    for (size_t i = 0; i < samples.ht.size(); ++i) {
      series.histograms.push_back({Timestamp{samples.ht[i]}, samples.h[i]});
    }
    matrix.push_back(std::move(series));
  }
  SortByLabels(&matrix);
  return Value{std::move(matrix)};
}

// Takes the row, so that its memory is free before that of the next one is needed.
Series ToSeries(Row row, const StepGrid& grid) {
  Series series{std::move(row.labels), {}, {}};
  series.floats.reserve(static_cast<size_t>(
      std::count_if(row.v.begin(), row.v.end(), [](double x) { return IsPresent(x); })));
  for (size_t i = 0; i < grid.count; ++i) {
    if (IsPresent(row.v[i])) {
      series.floats.push_back({Timestamp{grid.at(i)}, row.v[i]});
    } else if (row.HasHistogram(i)) {
      series.histograms.push_back({Timestamp{grid.at(i)}, std::move(row.h[i])});
    }
  }
  return series;
}

}  // namespace

Result<Value> BuildInstant(Evaluator& evaluator, const Expr& root, const StepGrid& grid) {
  switch (root.type) {
    case ValueType::kScalar: {
      TOCSIN_ASSIGN(auto values, evaluator.Scalar(root, grid));
      return Value{Scalar{Timestamp{grid.start_ms}, values[0]}};
    }
    case ValueType::kString:
      return Value{String{Timestamp{grid.start_ms}, Evaluator::Text(root)}};
    case ValueType::kMatrix:
      return RawMatrix(evaluator, root, grid);
    default:
      return InstantVector(evaluator, root, grid);
  }
}

Result<Value> BuildRange(Evaluator& evaluator, const Expr& root, const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  Rows rows;
  if (root.type == ValueType::kScalar) {
    Row row;
    TOCSIN_ASSIGN(row.v, evaluator.Scalar(root, grid));
    rows.push_back(std::move(row));
  } else {
    TOCSIN_ASSIGN(auto stream, evaluator.Vector(root, grid));
    TOCSIN_ASSIGN(rows, Collect(context, *stream));
  }
  for (Row& row : rows) {
    DropFlagged(context, row.drop_name, &row.labels);
    row.drop_name = false;
  }
  TOCSIN_ASSIGN(rows, Unify(std::move(rows), OnDuplicate::kMerge));
  Matrix matrix;
  matrix.reserve(rows.size());
  for (Row& row : rows) matrix.push_back(ToSeries(std::move(row), grid));
  SortByLabels(&matrix);
  return Value{std::move(matrix)};
}

}  // namespace tocsin::query
