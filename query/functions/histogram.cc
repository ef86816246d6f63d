// Functions of histograms: classic ones (a series per bucket) and native ones.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include <absl/container/flat_hash_map.h>

#include "query/evaluator.h"
#include "query/functions/range.h"
#include "query/functions/registry.h"
#include "query/histogram/classic.h"
#include "query/histogram/quantile.h"
#include "storage/base/number.h"

namespace tocsin::query {
namespace {

using enum ValueType;

// The bucket series of one classic histogram, by upper bound.
struct Group {
  Labels labels;  // without le
  bool drop_name;
  std::vector<std::pair<double, size_t>> buckets;  // bound, index of the row
};

// " for metric name "m"" where the name is still known.
std::string ForMetric(const QueryContext& context, const Labels& labels) {
  if (!context.features.delayed_name_removal || labels.name().empty()) return "";
  return fmt::format(" for metric name \"{}\"", labels.name());
}

// The histograms of a vector, of both kinds.
class HistogramInput {
 public:
  static Result<HistogramInput> Collect(FunctionCall& call, size_t arg) {
    TOCSIN_ASSIGN(auto input, call.Vector(arg));
    HistogramInput all;
    TOCSIN_ASSIGN(all.rows_, query::Collect(call.context(), *input));
    all.Arrange(call.context(), call.pos(arg));
    return all;
  }

  const std::vector<Group>& groups() const { return groups_; }
  const Rows& rows() const { return rows_; }

  // The buckets that have a value at `step`, by bound.
  void BucketsAt(const Group& group, size_t step, std::vector<ClassicBucket>* buckets) const {
    buckets->clear();
    for (auto [bound, row] : group.buckets) {
      const double count = rows_[row].v[step];
      if (IsPresent(count)) buckets->push_back({bound, count});
    }
  }

 private:
  void Arrange(QueryContext& context, PositionRange pos) {
    absl::flat_hash_map<Labels, size_t, LabelsHash> index;
    LabelsBuilder builder;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const Labels& labels = rows_[i].labels;
      if (!rows_[i].AnyFloat()) continue;
      const auto bound = ParseFloat(labels.Get(kBucketLabel));
      if (!bound) {
        context.annotations.Warn(
            fmt::format("bucket label \"le\" is missing or has a malformed value of \"{}\"{}",
                        labels.Get(kBucketLabel), ForMetric(context, labels)),
            pos);
        continue;
      }
      builder.Reset(labels);
      builder.Del(kBucketLabel);
      Labels key = builder.Build();
      auto [it, added] = index.try_emplace(key, groups_.size());
      if (added) groups_.push_back({std::move(key), rows_[i].drop_name, {}});
      groups_[it->second].buckets.emplace_back(*bound, i);
    }
    for (Group& group : groups_) std::sort(group.buckets.begin(), group.buckets.end());
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].h.empty()) continue;
      auto it = index.find(rows_[i].labels);
      if (it != index.end()) DropConflicts(context, pos, i, &groups_[it->second]);
    }
  }

  // Where a native histogram and a classic one have the same labels neither counts.
  void DropConflicts(QueryContext& context, PositionRange pos, size_t native, Group* group) {
    for (size_t step = 0; step < rows_[native].h.size(); ++step) {
      if (!rows_[native].HasHistogram(step)) continue;
      bool conflict = false;
      for (auto [bound, row] : group->buckets) {
        if (IsAbsent(rows_[row].v[step])) continue;
        conflict = true;
        rows_[row].v[step] = Absent();
      }
      if (!conflict) continue;
      rows_[native].h[step].reset();
      context.annotations.Warn("vector contains a mix of classic and native histograms" +
                                   ForMetric(context, group->labels),
                               pos);
    }
  }

  Rows rows_;
  std::vector<Group> groups_;
};

// One row per histogram: classic(buckets, step, labels) or native(histogram, step, labels).
template <typename Classic, typename Native>
Rows PerHistogram(FunctionCall& call, const HistogramInput& input, Classic classic, Native native) {
  Rows rows;
  const size_t steps = call.grid().count;
  for (const Row& from : input.rows()) {
    if (from.h.empty()) continue;
    Row row;
    row.Clear(steps);
    row.labels = from.labels;
    row.drop_name = from.drop_name;
    for (size_t i = 0; i < steps; ++i) {
      if (from.HasHistogram(i)) row.v[i] = native(*from.h[i], i, from.labels);
    }
    ForgetName(call.context(), &row);
    rows.push_back(std::move(row));
  }
  std::vector<ClassicBucket> buckets;
  for (const Group& group : input.groups()) {
    Row row;
    row.Clear(steps);
    row.labels = group.labels;
    row.drop_name = group.drop_name;
    for (size_t i = 0; i < steps; ++i) {
      input.BucketsAt(group, i, &buckets);
      if (!buckets.empty()) row.v[i] = classic(&buckets, i, group.labels);
    }
    ForgetName(call.context(), &row);
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<RowStreamPtr> Finished(FunctionCall& call, Rows rows) {
  return UnifyAfterDrop(call.context(), std::make_unique<RowsStream>(std::move(rows)),
                        OnDuplicate::kMerge);
}

void InfoNaN(FunctionCall& call, size_t arg, NaNEffect effect, const Labels& labels) {
  std::string text;
  const std::string metric = ForMetric(call.context(), labels);
  switch (effect) {
    case NaNEffect::kNone:
      return;
    case NaNEffect::kResultIsNaN:
      text = "input to histogram_quantile has NaN observations, result is NaN";
      break;
    case NaNEffect::kSkewedHigher:
      text = "input to histogram_quantile has NaN observations, result is skewed higher";
      break;
    case NaNEffect::kExcluded:
      text =
          "input to histogram_fraction has NaN observations, which are excluded from all fractions";
      break;
  }
  call.context().annotations.Info(text + metric, call.pos(arg));
}

// One quantile of every histogram. `arg` is that of the vector.
Rows QuantileRows(FunctionCall& call, const HistogramInput& input, size_t arg,
                  const std::vector<double>& q) {
  QueryContext& context = call.context();
  return PerHistogram(
      call, input,
      [&](std::vector<ClassicBucket>* buckets, size_t step, const Labels& labels) {
        const ClassicQuantile result = QuantileOfBuckets(q[step], buckets);
        if (!result.repaired) return result.value;
        const bool named = context.features.delayed_name_removal;
        const int64_t t = call.grid().at(step);
        context.annotations.InfoMonotonicity(
            named ? labels.name() : std::string_view(), call.pos(arg),
            {result.min_bucket, result.max_bucket, result.max_difference, t, t, 1});
        return result.value;
      },
      [&](const Histogram& h, size_t step, const Labels& labels) {
        const NativeValue result = QuantileOfHistogram(q[step], h);
        InfoNaN(call, arg, result.effect, labels);
        return result.value;
      });
}

Result<RowStreamPtr> HistogramQuantile(FunctionCall& call) {
  TOCSIN_ASSIGN(auto q, call.Scalar(0));
  for (double x : q) WarnQuantile(call.context(), x, call.pos(0));
  HoldScope scope(call.context().limits);
  TOCSIN_ASSIGN(auto input, HistogramInput::Collect(call, 1));
  return Finished(call, QuantileRows(call, input, 1, q));
}

// Sets `label` to the value of q at each step; a q that changes makes several rows of one.
Rows LabelWithQuantile(Rows rows, const std::string& label, const std::vector<double>& q) {
  Rows labeled;
  LabelsBuilder builder;
  for (Row& row : rows) {
    for (size_t i = 0; i < q.size();) {
      size_t end = i + 1;
      while (end < q.size() && std::bit_cast<uint64_t>(q[end]) == std::bit_cast<uint64_t>(q[i])) {
        ++end;
      }
      Row part;
      part.Clear(q.size());
      std::copy(row.v.begin() + i, row.v.begin() + end, part.v.begin() + i);
      std::string value;
      AppendOpenMetricsFloat(value, q[i]);
      builder.Reset(row.labels);
      builder.Set(label, value);
      part.labels = builder.Build();
      part.drop_name = row.drop_name;
      labeled.push_back(std::move(part));
      i = end;
    }
  }
  return labeled;
}

Result<RowStreamPtr> HistogramQuantiles(FunctionCall& call) {
  const std::string& label = call.Text(1);
  if (!IsValidLabelName(label)) {
    return Error(ErrorCode::kExecution, fmt::format("invalid label name \"{}\"", label));
  }
  std::vector<std::vector<double>> quantiles;
  for (size_t i = 2; i < call.size(); ++i) {
    TOCSIN_ASSIGN(auto q, call.Scalar(i));
    for (double x : q) WarnQuantile(call.context(), x, call.pos(i));
    quantiles.push_back(std::move(q));
  }
  HoldScope scope(call.context().limits);
  TOCSIN_ASSIGN(auto input, HistogramInput::Collect(call, 0));
  Rows rows;
  for (const auto& q : quantiles) {
    for (Row& row : LabelWithQuantile(QuantileRows(call, input, 0, q), label, q)) {
      rows.push_back(std::move(row));
    }
  }
  TOCSIN_ASSIGN(rows, Unify(std::move(rows), OnDuplicate::kMerge));
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(rows)));
}

Result<RowStreamPtr> HistogramFraction(FunctionCall& call) {
  TOCSIN_ASSIGN(auto lower, call.Scalar(0));
  TOCSIN_ASSIGN(auto upper, call.Scalar(1));
  HoldScope scope(call.context().limits);
  TOCSIN_ASSIGN(auto input, HistogramInput::Collect(call, 2));
  return Finished(call, PerHistogram(
                            call, input,
                            [&](std::vector<ClassicBucket>* buckets, size_t step, const Labels&) {
                              return FractionOfBuckets(lower[step], upper[step], buckets);
                            },
                            [&](const Histogram& h, size_t step, const Labels& labels) {
                              const NativeValue result =
                                  FractionOfHistogram(lower[step], upper[step], h);
                              InfoNaN(call, 2, result.effect, labels);
                              return result.value;
                            }));
}

// A number of each native histogram; floats are left out.
template <double (*kNumber)(const Histogram&)>
class NumberStream final : public RowStream {
 public:
  NumberStream(QueryContext& context, RowStreamPtr input)
      : context_(context), input_(std::move(input)) {}
  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, input_->Next(row));
    if (!more) return false;
    for (size_t i = 0; i < row->v.size(); ++i) {
      row->v[i] = row->HasHistogram(i) ? kNumber(*row->h[i]) : Absent();
    }
    row->h.clear();
    // Unlike elsewhere, type and unit stay.
    row->drop_name = context_.features.delayed_name_removal;
    if (!row->drop_name) row->labels = row->labels.WithoutName();
    return true;
  }
  bool distinct_without_name() const override { return input_->distinct_without_name(); }

 private:
  QueryContext& context_;
  RowStreamPtr input_;
};

template <double (*kNumber)(const Histogram&)>
Result<RowStreamPtr> NumberOf(FunctionCall& call) {
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  return UnifyAfterDrop(call.context(),
                        std::make_unique<NumberStream<kNumber>>(call.context(), std::move(input)),
                        OnDuplicate::kMerge);
}

double CountOf(const Histogram& h) { return h.count; }
double SumOf(const Histogram& h) { return h.sum; }
double AverageOf(const Histogram& h) { return h.sum / h.count; }
double DeviationOf(const Histogram& h) { return std::sqrt(VarianceOfHistogram(h)); }

constexpr FunctionSpec kTable[] = {
    {.name = "histogram_count", .args = {kVector}, .vector = &NumberOf<&CountOf>},
    {.name = "histogram_sum", .args = {kVector}, .vector = &NumberOf<&SumOf>},
    {.name = "histogram_avg", .args = {kVector}, .vector = &NumberOf<&AverageOf>},
    {.name = "histogram_stddev", .args = {kVector}, .vector = &NumberOf<&DeviationOf>},
    {.name = "histogram_stdvar", .args = {kVector}, .vector = &NumberOf<&VarianceOfHistogram>},
    {.name = "histogram_quantile", .args = {kScalar, kVector}, .vector = &HistogramQuantile},
    {.name = "histogram_quantiles",
     .args = {kVector, kString, kScalar, kScalar},
     .variadic = 9,
     .experimental = true,
     .vector = &HistogramQuantiles},
    {.name = "histogram_fraction",
     .args = {kScalar, kScalar, kVector},
     .vector = &HistogramFraction},
};

}  // namespace

void WarnQuantile(QueryContext& context, double q, PositionRange pos) {
  if (q >= 0 && q <= 1) return;
  std::string text = "quantile value should be between 0 and 1, got ";
  AppendGoFloat(text, q);
  context.annotations.Warn(text, pos);
}

std::span<const FunctionSpec> HistogramFunctions() { return kTable; }

}  // namespace tocsin::query
