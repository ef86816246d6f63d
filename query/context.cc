#include "query/context.h"

#include <absl/container/flat_hash_map.h>

namespace tocsin::query {
uint64_t SizeOf(const Histogram& h) {
  return (176 + 8 * (h.positive_spans.size() + h.negative_spans.size() + h.positive_buckets.size() +
                     h.negative_buckets.size() + h.custom_values.size())) /
         Limits::kBytesPerSample;
}

namespace {

// Adds `from` to `to`; false when both have a value at one step.
bool MergeInto(Row* to, Row&& from) {
  for (size_t i = 0; i < to->v.size(); ++i) {
    if (!from.Has(i)) continue;
    if (to->Has(i)) return false;
    to->v[i] = from.v[i];
    if (from.HasHistogram(i)) to->SetHistogram(i, std::move(from.h[i]));
  }
  return true;
}

// As Prometheus counts a histogram.
uint64_t SizeOf(const Row& row) {
  uint64_t size = (row.v.size() + row.h.size() + 1) / 2;
  const Histogram* last = nullptr;
  for (const HistogramPtr& h : row.h) {
    if (h != nullptr && h.get() != last) size += query::SizeOf(*h);
    if (h != nullptr) last = h.get();
  }
  return size;
}

// Beside its values.
uint64_t LabelBytes(const Row& row) { return sizeof(Row) + row.labels.packed().size(); }

}  // namespace

Labels DropMetricName(const QueryContext& context, const Labels& labels) {
  if (!context.features.type_and_unit_labels) return labels.WithoutName();
  LabelsBuilder builder(labels);
  builder.Del(kMetricName).Del("__type__").Del("__unit__");
  return builder.Build();
}

void ForgetName(const QueryContext& context, Row* row) {
  if (context.features.delayed_name_removal) {
    row->drop_name = true;
  } else {
    row->labels = DropMetricName(context, row->labels);
  }
}

Error DuplicateLabelSet() {
  return Error(ErrorCode::kExecution, "vector cannot contain metrics with the same labelset");
}

uint64_t SizeOf(const Rows& rows) {
  uint64_t size = 0;
  for (const Row& row : rows) size += SizeOf(row);
  return size;
}

Result<Rows> Collect(QueryContext& context, RowStream& stream) {
  Rows rows;
  Row row;
  while (true) {
    TOCSIN_ASSIGN(bool more, stream.Next(&row));
    if (!more) return rows;
    if (row.Empty()) continue;
    TOCSIN_RETURN_IF_ERROR(context.limits.Hold(SizeOf(row), LabelBytes(row)));
    rows.push_back(std::move(row));
    row = Row();
  }
}

Result<Rows> Unify(Rows rows, OnDuplicate mode) {
  // Rows whose name is going are not those whose name stays: at the end they differ.
  absl::flat_hash_map<Labels, size_t, LabelsHash> index[2];
  index[rows.empty() ? 0 : rows[0].drop_name].reserve(rows.size());
  Rows unified;
  unified.reserve(rows.size());
  for (Row& row : rows) {
    auto [it, added] = index[row.drop_name].try_emplace(row.labels, unified.size());
    if (added) {
      unified.push_back(std::move(row));
    } else if (mode == OnDuplicate::kFail || !MergeInto(&unified[it->second], std::move(row))) {
      return DuplicateLabelSet();
    }
  }
  return unified;
}

Result<RowStreamPtr> UnifyAfterDrop(QueryContext& context, RowStreamPtr stream, OnDuplicate mode) {
  if (context.features.delayed_name_removal || stream->distinct_without_name()) return stream;
  TOCSIN_ASSIGN(Rows rows, Collect(context, *stream));
  TOCSIN_ASSIGN(rows, Unify(std::move(rows), mode));
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(rows), true));
}

}  // namespace tocsin::query
