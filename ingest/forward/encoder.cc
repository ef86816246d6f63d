#include "ingest/forward/encoder.h"

#include <protozero/pbf_writer.hpp>
#include <vector>

#include "storage/base/compression.h"

namespace tocsin::ingest {
namespace {

using protozero::pbf_writer;

void AddSpans(pbf_writer& histogram, uint32_t field, const std::vector<Histogram::Span>& spans) {
  for (const Histogram::Span& span : spans) {
    pbf_writer out(histogram, field);
    out.add_sint32(1, span.offset);
    out.add_uint32(2, span.length);
  }
}

// Integer counts go as the difference to the bucket before, float counts as they are.
void AddBuckets(pbf_writer& histogram, uint32_t deltas, uint32_t counts, bool integer,
                const std::vector<double>& buckets) {
  if (buckets.empty()) return;
  if (!integer) {
    histogram.add_packed_double(counts, buckets.begin(), buckets.end());
    return;
  }
  std::vector<int64_t> differences;
  int64_t before = 0;
  for (const double bucket : buckets) {
    const auto count = static_cast<int64_t>(bucket);
    differences.push_back(count - before);
    before = count;
  }
  histogram.add_packed_sint64(deltas, differences.begin(), differences.end());
}

void AddHistogram(pbf_writer& series, Timestamp t, const Histogram& h) {
  pbf_writer out(series, 4);
  if (h.integer)
    out.add_uint64(1, static_cast<uint64_t>(h.count));
  else
    out.add_double(2, h.count);
  out.add_double(3, h.sum);
  out.add_sint32(4, h.schema);
  out.add_double(5, h.zero_threshold);
  if (h.integer)
    out.add_uint64(6, static_cast<uint64_t>(h.zero_count));
  else
    out.add_double(7, h.zero_count);
  AddSpans(out, 8, h.negative_spans);
  AddBuckets(out, 9, 10, h.integer, h.negative_buckets);
  AddSpans(out, 11, h.positive_spans);
  AddBuckets(out, 12, 13, h.integer, h.positive_buckets);
  out.add_enum(14, static_cast<int32_t>(h.reset_hint));
  out.add_int64(15, t.ms);
}

}  // namespace

void WriteRequestEncoder::AddSeries(const storage::TailSeries& from) {
  pbf_writer message(message_);
  pbf_writer series(message, 1);
  for (const Label& label : from.labels) {
    pbf_writer out(series, 1);
    out.add_string(1, label.name.data(), label.name.size());
    out.add_string(2, label.value.data(), label.value.size());
  }
  for (size_t i = 0; i < from.times.size(); ++i) {
    pbf_writer sample(series, 2);
    sample.add_double(1, from.values[i]);
    sample.add_int64(2, from.times[i].ms);
  }
  for (const auto& [t, histogram] : from.histograms) AddHistogram(series, t, *histogram);
}

void WriteRequestEncoder::AddMetadata(const std::string& family, const Metadata& metadata) {
  pbf_writer message(message_);
  pbf_writer out(message, 3);
  out.add_enum(1, static_cast<int32_t>(metadata.type));
  out.add_string(2, family);
  out.add_string(4, metadata.help);
  out.add_string(5, metadata.unit);
}

std::string WriteRequestEncoder::Take() {
  std::string body = SnappyCompress(message_);
  message_.clear();
  return body;
}

}  // namespace tocsin::ingest
