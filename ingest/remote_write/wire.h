// What both versions of remote write share on the wire.
#pragma once

#include <protozero/pbf_reader.hpp>
#include <string_view>

#include "ingest/remote_write/write_request.h"

namespace tocsin::ingest::wire {

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

inline std::string_view View(protozero::data_view v) { return {v.data(), v.size()}; }

// The message Histogram, which 2.0 has with a start timestamp more. kInvalidArgument: its parts do
// not fit together. Throws what the reader throws.
Status ReadHistogram(protozero::pbf_reader message, WriteSeries* out);

// "malformed <message>: ..."
Error Malformed(std::string_view message, const protozero::exception& e);

}  // namespace tocsin::ingest::wire
