#include "ingest/forward/encoder.h"

#include <protozero/pbf_writer.hpp>

#include "storage/base/compression.h"

namespace tocsin::ingest {

void WriteRequestEncoder::AddSeries(const Labels& labels, std::span<const Timestamp> times,
                                    std::span<const double> values) {
  protozero::pbf_writer message(message_);
  protozero::pbf_writer series(message, 1);
  for (const Label& label : labels) {
    protozero::pbf_writer out(series, 1);
    out.add_string(1, label.name.data(), label.name.size());
    out.add_string(2, label.value.data(), label.value.size());
  }
  for (size_t i = 0; i < times.size(); ++i) {
    protozero::pbf_writer sample(series, 2);
    sample.add_double(1, values[i]);
    sample.add_int64(2, times[i].ms);
  }
}

void WriteRequestEncoder::AddMetadata(const std::string& family, const Metadata& metadata) {
  protozero::pbf_writer message(message_);
  protozero::pbf_writer out(message, 3);
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
