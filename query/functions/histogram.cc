// Functions of histograms: classic ones (a series per bucket) and native ones.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <absl/container/flat_hash_map.h>

#include "query/evaluator.h"
#include "query/functions/range.h"
#include "query/functions/registry.h"
#include "query/histogram/classic.h"
#include "storage/base/number.h"

namespace tocsin::query {
namespace {

using enum ValueType;

// The bucket series of one classic histogram, by upper bound.
struct Group {
  Labels labels;                                   // without le
  std::vector<std::pair<double, size_t>> buckets;  // bound, index of the row
};

// " for metric name "m"" where the name is still known.
std::string ForMetric(const QueryContext& context, const Labels& labels) {
  if (!context.features.delayed_name_removal || labels.name().empty()) return "";
  return fmt::format(" for metric name \"{}\"", labels.name());
}

class ClassicHistograms {
 public:
  static Result<ClassicHistograms> Collect(FunctionCall& call, size_t arg) {
    TOCSIN_ASSIGN(auto input, call.Vector(arg));
    ClassicHistograms all;
    TOCSIN_ASSIGN(all.rows_, query::Collect(call.context(), *input));
    all.Arrange(call.context(), call.pos(arg));
    return all;
  }

  const std::vector<Group>& groups() const { return groups_; }

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
      if (added) groups_.push_back({std::move(key), {}});
      groups_[it->second].buckets.emplace_back(*bound, i);
    }
    for (Group& group : groups_) std::sort(group.buckets.begin(), group.buckets.end());
  }

  Rows rows_;
  std::vector<Group> groups_;
};

// One row per histogram: f(buckets, step, group).
template <typename F>
Result<RowStreamPtr> PerHistogram(FunctionCall& call, size_t arg, F f) {
  TOCSIN_ASSIGN(auto histograms, ClassicHistograms::Collect(call, arg));
  Rows rows;
  std::vector<ClassicBucket> buckets;
  for (const Group& group : histograms.groups()) {
    Row row;
    row.Clear(call.grid().count);
    row.labels = group.labels;
    for (size_t i = 0; i < row.v.size(); ++i) {
      histograms.BucketsAt(group, i, &buckets);
      if (!buckets.empty()) row.v[i] = f(&buckets, i, group);
    }
    ForgetName(call.context(), &row);
    rows.push_back(std::move(row));
  }
  return UnifyAfterDrop(call.context(), std::make_unique<RowsStream>(std::move(rows)),
                        OnDuplicate::kMerge);
}

Result<RowStreamPtr> HistogramQuantile(FunctionCall& call) {
  TOCSIN_ASSIGN(auto q, call.Scalar(0));
  for (double x : q) WarnQuantile(call.context(), x, call.pos(0));
  return PerHistogram(
      call, 1, [&](std::vector<ClassicBucket>* buckets, size_t step, const Group& group) {
        const ClassicQuantile result = QuantileOfBuckets(q[step], buckets);
        if (result.repaired) {
          QueryContext& context = call.context();
          const bool named = context.features.delayed_name_removal;
          const int64_t t = call.grid().at(step);
          context.annotations.InfoMonotonicity(
              named ? group.labels.name() : std::string_view(), call.pos(1),
              {result.min_bucket, result.max_bucket, result.max_difference, t, t, 1});
        }
        return result.value;
      });
}

Result<RowStreamPtr> HistogramFraction(FunctionCall& call) {
  TOCSIN_ASSIGN(auto lower, call.Scalar(0));
  TOCSIN_ASSIGN(auto upper, call.Scalar(1));
  return PerHistogram(call, 2, [&](std::vector<ClassicBucket>* buckets, size_t step, const Group&) {
    return FractionOfBuckets(lower[step], upper[step], buckets);
  });
}

constexpr FunctionSpec kTable[] = {
    {.name = "histogram_count", .args = {kVector}},
    {.name = "histogram_sum", .args = {kVector}},
    {.name = "histogram_avg", .args = {kVector}},
    {.name = "histogram_stddev", .args = {kVector}},
    {.name = "histogram_stdvar", .args = {kVector}},
    {.name = "histogram_quantile", .args = {kScalar, kVector}, .vector = &HistogramQuantile},
    {.name = "histogram_quantiles",
     .args = {kVector, kString, kScalar, kScalar},
     .variadic = 9,
     .experimental = true},
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
