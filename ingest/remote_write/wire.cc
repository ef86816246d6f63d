#include "ingest/remote_write/wire.h"

#include <fmt/format.h>

namespace tocsin::ingest {
namespace wire {
namespace {

using protozero::pbf_reader;

constexpr double kLargestCount = 9007199254740992.0;  // 2^53: above, a double is not exact
constexpr size_t kMaxHistogramBytes = 256u << 10;
constexpr int32_t kMinSchema = -4, kMaxSchema = 8;
// Finer ones than we know may come; they are reduced.
constexpr int32_t kMaxReservedSchema = 52;

Histogram::Span ReadSpan(pbf_reader message) {
  Histogram::Span span;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Varint(1):
        span.offset = message.get_sint32();
        break;
      case Varint(2):
        span.length = message.get_uint32();
        break;
      default:
        message.skip();
    }
  }
  return span;
}

void ReadDoubles(pbf_reader& message, std::vector<double>* out) {
  if (message.wire_type() == protozero::pbf_wire_type::length_delimited) {
    for (const double value : message.get_packed_double()) out->push_back(value);
  } else {
    out->push_back(message.get_double());
  }
}

void ReadDeltas(pbf_reader& message, std::vector<double>* out, int64_t* running) {
  const auto take = [&](int64_t delta) {
    // Wraps rather than overflows; the range check below refuses nonsense.
    *running = static_cast<int64_t>(static_cast<uint64_t>(*running) + static_cast<uint64_t>(delta));
    out->push_back(static_cast<double>(*running));
  };
  if (message.wire_type() == protozero::pbf_wire_type::length_delimited) {
    for (const int64_t delta : message.get_packed_sint64()) take(delta);
  } else {
    take(message.get_sint64());
  }
}

Status CheckSide(const char* side, const std::vector<Histogram::Span>& spans,
                 const std::vector<double>& buckets, bool integer) {
  uint64_t wanted = 0;
  for (const auto& span : spans) wanted += span.length;
  if (wanted != buckets.size()) {
    return InvalidArgument(fmt::format("histogram: {} side: spans need {} buckets, have {} buckets",
                                       side, wanted, buckets.size()));
  }
  for (const double count : buckets) {
    if (integer && (count < 0 || count > kLargestCount)) {
      return InvalidArgument(
          fmt::format("histogram: {} side has a bucket whose count is out of range", side));
    }
  }
  return OkStatus();
}

Status CheckHistogram(const Histogram& h) {
  TOCSIN_RETURN_IF_ERROR(CheckSide("positive", h.positive_spans, h.positive_buckets, h.integer));
  TOCSIN_RETURN_IF_ERROR(CheckSide("negative", h.negative_spans, h.negative_buckets, h.integer));
  const bool custom = h.schema == kCustomBucketsSchema;
  if (!custom && (h.schema < kMinSchema || h.schema > kMaxReservedSchema))
    return InvalidArgument(fmt::format("histogram: unknown schema {}", h.schema));
  if (!custom && !h.custom_values.empty())
    return InvalidArgument("histogram: custom bounds need schema -53");
  for (size_t i = 1; i < h.custom_values.size(); ++i) {
    if (!(h.custom_values[i - 1] < h.custom_values[i]))
      return InvalidArgument("histogram: custom bounds are not in ascending order");
  }
  if (h.integer && (h.count > kLargestCount || h.zero_count > kLargestCount))
    return InvalidArgument("histogram: counts above 2^53 are not kept exactly");
  return OkStatus();
}

// Buckets of one side at half the resolution, `shift` times: bucket i goes to ((i - 1) >> shift)
// + 1.
void ReduceSide(int32_t shift, std::vector<Histogram::Span>* spans, std::vector<double>* buckets) {
  std::vector<Histogram::Span> to_spans;
  std::vector<double> to_buckets;
  int64_t index = 0, last = 0;
  size_t at = 0;
  for (const Histogram::Span& span : *spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i, ++index) {
      const int64_t to = ((index - 1) >> shift) + 1;
      const double count = (*buckets)[at++];
      if (!to_buckets.empty() && to == last) {
        to_buckets.back() += count;
        continue;
      }
      if (to_buckets.empty() || to != last + 1) {
        const int64_t offset = to_buckets.empty() ? to : to - last - 1;
        to_spans.push_back({static_cast<int32_t>(offset), 0});
      }
      ++to_spans.back().length;
      to_buckets.push_back(count);
      last = to;
    }
  }
  *spans = std::move(to_spans);
  *buckets = std::move(to_buckets);
}

void ReduceToKnownSchema(Histogram* h) {
  if (h->schema <= kMaxSchema) return;
  const int32_t shift = h->schema - kMaxSchema;
  ReduceSide(shift, &h->positive_spans, &h->positive_buckets);
  ReduceSide(shift, &h->negative_spans, &h->negative_buckets);
  h->schema = kMaxSchema;
}

}  // namespace

Status ReadHistogram(pbf_reader message, WriteSeries* out) {
  // Real ones take some kilobytes. In memory they take up to eight times as much.
  if (message.length() > kMaxHistogramBytes)
    return InvalidArgument("histogram: more than 256 KiB of buckets");
  Histogram h;
  Timestamp t;
  Timestamp start = kNoStart;
  int64_t positive = 0, negative = 0;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Varint(1):
        h.integer = true;
        h.count = static_cast<double>(message.get_uint64());
        break;
      case Fixed64(2):
        h.count = message.get_double();
        break;
      case Fixed64(3):
        h.sum = message.get_double();
        break;
      case Varint(4):
        h.schema = message.get_sint32();
        break;
      case Fixed64(5):
        h.zero_threshold = message.get_double();
        break;
      case Varint(6):
        h.zero_count = static_cast<double>(message.get_uint64());
        break;
      case Fixed64(7):
        h.zero_count = message.get_double();
        break;
      case Bytes(8):
        h.negative_spans.push_back(ReadSpan(message.get_message()));
        break;
      case Bytes(9):
      case Varint(9):
        ReadDeltas(message, &h.negative_buckets, &negative);
        break;
      case Bytes(10):
      case Fixed64(10):
        ReadDoubles(message, &h.negative_buckets);
        break;
      case Bytes(11):
        h.positive_spans.push_back(ReadSpan(message.get_message()));
        break;
      case Bytes(12):
      case Varint(12):
        ReadDeltas(message, &h.positive_buckets, &positive);
        break;
      case Bytes(13):
      case Fixed64(13):
        ReadDoubles(message, &h.positive_buckets);
        break;
      case Varint(14): {
        const auto hint = static_cast<uint32_t>(message.get_enum());
        h.reset_hint = static_cast<CounterResetHint>(hint <= 3 ? hint : 0);
        break;
      }
      case Varint(15):
        t.ms = message.get_int64();
        break;
      case Varint(17):
        start.ms = message.get_int64();
        break;
      case Bytes(16):
      case Fixed64(16):
        ReadDoubles(message, &h.custom_values);
        break;
      default:
        message.skip();
    }
  }
  TOCSIN_RETURN_IF_ERROR(CheckHistogram(h));
  ReduceToKnownSchema(&h);
  out->histograms.push_back({t, std::move(h), start});
  return OkStatus();
}

Error Malformed(std::string_view message, const protozero::exception& e) {
  return InvalidArgument(fmt::format("malformed {}: {}", message, e.what()));
}

}  // namespace wire

void WriteSeries::Clear() {
  label_bytes = {};
  label_refs.clear();
  symbols = {};
  scattered.clear();
  times.clear();
  values.clear();
  starts.clear();
  histograms.clear();
  exemplars.clear();
  metadata = {};
}

}  // namespace tocsin::ingest
