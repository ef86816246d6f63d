#include "ingest/remote_write/decoder_v1.h"

#include <fmt/format.h>

#include <protozero/pbf_reader.hpp>

namespace tocsin::ingest {
namespace {

using protozero::pbf_reader;

constexpr double kLargestCount = 9007199254740992.0;  // 2^53: above, a double is not exact
constexpr size_t kMaxHistogramBytes = 256u << 10;
constexpr uint32_t kMaxMetricType = static_cast<uint32_t>(MetricType::kStateset);

// Fields as the schema has them. One of another wire type is none of ours and is skipped: asking
// the reader for a value of the wrong type would be a mistake of this program, not of the sender.
constexpr uint32_t Varint(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::varint);
}
constexpr uint32_t Fixed64(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::fixed64);
}
constexpr uint32_t Bytes(uint32_t tag) {
  return protozero::tag_and_type(tag, protozero::pbf_wire_type::length_delimited);
}

std::string_view View(protozero::data_view v) { return {v.data(), v.size()}; }

Label ReadLabel(pbf_reader message) {
  Label label;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Bytes(1):
        label.name = View(message.get_view());
        break;
      case Bytes(2):
        label.value = View(message.get_view());
        break;
      default:
        message.skip();
    }
  }
  return label;
}

void ReadSample(pbf_reader message, WriteSeries* out) {
  double value = 0;
  Timestamp t;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Fixed64(1):
        value = message.get_double();
        break;
      case Varint(2):
        t.ms = message.get_int64();
        break;
      default:
        message.skip();
    }
  }
  out->times.push_back(t);
  out->values.push_back(value);
}

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
  if (!custom && (h.schema < -4 || h.schema > 8))
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

Status ReadHistogram(pbf_reader message, WriteSeries* out) {
  // Real ones take some kilobytes. In memory they take up to eight times as much.
  if (message.length() > kMaxHistogramBytes)
    return InvalidArgument("histogram: more than 256 KiB of buckets");
  Histogram h;
  Timestamp t;
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
      case Bytes(16):
      case Fixed64(16):
        ReadDoubles(message, &h.custom_values);
        break;
      default:
        message.skip();
    }
  }
  TOCSIN_RETURN_IF_ERROR(CheckHistogram(h));
  out->histograms.emplace_back(t, std::move(h));
  return OkStatus();
}

// Label fields normally follow one another: then they are left where they are.
void AddLabelBytes(std::string_view field, WriteSeries* out) {
  std::string_view& bytes = out->label_bytes;
  if (bytes.empty()) {
    bytes = field;
  } else if (bytes.data() + bytes.size() == field.data()) {
    bytes = {bytes.data(), bytes.size() + field.size()};
  } else {
    if (out->scattered.empty()) out->scattered = bytes;
    out->scattered.append(field);
    bytes = out->scattered;
  }
}

Status ReadSeries(pbf_reader message, WriteSeries* out) {
  for (;;) {
    const char* field = message.data().data();
    if (!message.next()) return OkStatus();
    switch (message.tag_and_type()) {
      case Bytes(1):
        message.skip();
        AddLabelBytes({field, static_cast<size_t>(message.data().data() - field)}, out);
        break;
      case Bytes(2):
        ReadSample(message.get_message(), out);
        break;
      case Bytes(3):
        message.skip();
        ++out->exemplars;
        break;
      case Bytes(4):
        TOCSIN_RETURN_IF_ERROR(ReadHistogram(message.get_message(), out));
        break;
      default:
        message.skip();
    }
  }
}

Error Malformed(const protozero::exception& e) {
  return InvalidArgument(fmt::format("malformed prometheus.WriteRequest: {}", e.what()));
}

WriteMetadata ReadMetadata(pbf_reader message) {
  WriteMetadata out;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Varint(1): {
        const auto type = static_cast<uint32_t>(message.get_enum());
        if (type <= kMaxMetricType) out.metadata.type = static_cast<MetricType>(type);
        break;
      }
      case Bytes(2):
        out.family = View(message.get_view());
        break;
      case Bytes(4):
        out.metadata.help = View(message.get_view());
        break;
      case Bytes(5):
        out.metadata.unit = View(message.get_view());
        break;
      default:
        message.skip();
    }
  }
  return out;
}

}  // namespace

void WriteSeries::Clear() {
  label_bytes = {};
  scattered.clear();
  times.clear();
  values.clear();
  histograms.clear();
  exemplars = 0;
}

Status DecodeWriteRequest(std::string_view body, WriteRequestSink& sink) {
  WriteSeries series;
  try {
    pbf_reader message(body.data(), body.size());
    while (message.next()) {
      switch (message.tag_and_type()) {
        case Bytes(1):
          series.Clear();
          TOCSIN_RETURN_IF_ERROR(ReadSeries(message.get_message(), &series));
          TOCSIN_RETURN_IF_ERROR(sink.OnSeries(series));
          break;
        case Bytes(3):
          sink.OnMetadata(ReadMetadata(message.get_message()));
          break;
        default:
          message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return Malformed(e);
  }
  return OkStatus();
}

Status DecodeLabels(std::string_view label_bytes, std::vector<Label>* out) {
  out->clear();
  try {
    pbf_reader message(label_bytes.data(), label_bytes.size());
    while (message.next()) {
      if (message.tag_and_type() == Bytes(1)) {
        out->push_back(ReadLabel(message.get_message()));
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return Malformed(e);
  }
  return OkStatus();
}

}  // namespace tocsin::ingest
