#include "ingest/remote_write/decoder_v1.h"

#include "ingest/remote_write/wire.h"

namespace tocsin::ingest {
namespace {

using protozero::pbf_reader;
using wire::Bytes;
using wire::Fixed64;
using wire::Varint;
using wire::View;

constexpr std::string_view kMessage = "prometheus.WriteRequest";

constexpr uint32_t kMaxMetricType = static_cast<uint32_t>(MetricType::kStateset);

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

WriteExemplar ReadExemplar(pbf_reader message) {
  WriteExemplar out;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Bytes(1):
        out.labels.push_back(ReadLabel(message.get_message()));
        break;
      case Fixed64(2):
        out.value = message.get_double();
        break;
      case Varint(3):
        out.t.ms = message.get_int64();
        break;
      default:
        message.skip();
    }
  }
  return out;
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
        out->exemplars.push_back(ReadExemplar(message.get_message()));
        break;
      case Bytes(4):
        TOCSIN_RETURN_IF_ERROR(wire::ReadHistogram(message.get_message(), out));
        break;
      default:
        message.skip();
    }
  }
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
    return wire::Malformed(kMessage, e);
  }
  return OkStatus();
}

Status DecodeLabels(const WriteSeries& series, std::vector<Label>* out) {
  out->clear();
  for (size_t i = 0; i < series.label_refs.size(); i += 2)
    out->push_back(
        {series.symbols[series.label_refs[i]], series.symbols[series.label_refs[i + 1]]});
  try {
    pbf_reader message(series.label_bytes.data(), series.label_bytes.size());
    while (message.next()) {
      if (message.tag_and_type() == Bytes(1)) {
        out->push_back(ReadLabel(message.get_message()));
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return wire::Malformed(kMessage, e);
  }
  return OkStatus();
}

}  // namespace tocsin::ingest
