#include "ingest/forward/cursor.h"

#include <fmt/format.h>

#include "storage/base/coding.h"

namespace tocsin::ingest {
namespace {

constexpr std::string_view kNamespace = "forward";
constexpr uint8_t kVersion = 2;

}  // namespace

// On disk: u8 version, u8 flags (bit 0: in order), varint in_flight, tail to the end. May only grow
// by a new version. Version 1 was a time.
Result<std::optional<ForwardPosition>> ForwardCursor::Load() const {
  TOCSIN_ASSIGN(const std::optional<std::string> text, kv_.Get(kNamespace, endpoint_));
  if (!text) return std::optional<ForwardPosition>();
  ByteReader reader(*text);
  const auto version = reader.Fixed<uint8_t>();
  if (reader.ok() && version != kVersion)
    return Unsupported(
        fmt::format("the position of endpoint {} has version {}; this program has "
                    "version {}",
                    endpoint_, version, kVersion));
  ForwardPosition position;
  position.in_order = (reader.Fixed<uint8_t>() & 1) != 0;
  position.in_flight = reader.Varint();
  position.tail = reader.rest();
  if (!reader.ok())
    return Error(ErrorCode::kCorruption, "the position of endpoint " + endpoint_ + " is damaged");
  return std::optional<ForwardPosition>(std::move(position));
}

Status ForwardCursor::Save(const ForwardPosition& position) {
  std::string text;
  PutFixed<uint8_t>(text, kVersion);
  PutFixed<uint8_t>(text, position.in_order ? 1 : 0);
  PutVarint(text, position.in_flight);
  text += position.tail;
  return kv_.Write(kNamespace, {{endpoint_, std::move(text)}});
}

}  // namespace tocsin::ingest
