#include "ingest/forward/cursor.h"

#include "storage/base/coding.h"

namespace tocsin::ingest {
namespace {

constexpr std::string_view kNamespace = "forward";
constexpr uint8_t kVersion = 1;

}  // namespace

// On disk: u8 version, zigzag from, zigzag to, varint sent. May only grow by a new version.
Result<std::optional<ForwardPosition>> ForwardCursor::Load() const {
  TOCSIN_ASSIGN(const std::optional<std::string> text, kv_.Get(kNamespace, endpoint_));
  if (!text) return std::optional<ForwardPosition>();
  ByteReader reader(*text);
  const auto version = reader.Fixed<uint8_t>();
  ForwardPosition position;
  position.from.ms = reader.ZigZagVarint();
  position.to.ms = reader.ZigZagVarint();
  position.sent = reader.Varint();
  if (version != kVersion || !reader.ok() || !reader.done() || position.to < position.from)
    return Error(ErrorCode::kCorruption, "the position of endpoint " + endpoint_ + " is damaged");
  return std::optional<ForwardPosition>(position);
}

Status ForwardCursor::Save(const ForwardPosition& position) {
  std::string text;
  PutFixed<uint8_t>(text, kVersion);
  PutZigZag(text, position.from.ms);
  PutZigZag(text, position.to.ms);
  PutVarint(text, position.sent);
  return kv_.Write(kNamespace, {{endpoint_, std::move(text)}});
}

}  // namespace tocsin::ingest
