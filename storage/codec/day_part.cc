#include "storage/codec/day_part.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kIndexVersion = 0x41;
constexpr uint8_t kPartVersion = 0x42;
constexpr size_t kChecksumBytes = sizeof(uint32_t);
// A sample a millisecond would be less.
constexpr uint64_t kMaxSegments = 1u << 17;

Error Malformed(std::string_view part) {
  return {ErrorCode::kCorruption, "malformed day: " + std::string(part)};
}

// The bytes before the checksum, if it is right.
Result<std::string_view> Checked(std::string_view blob) {
  if (blob.size() < kChecksumBytes) return Malformed("too short");
  const std::string_view body = blob.substr(0, blob.size() - kChecksumBytes);
  if (ByteReader(blob.substr(body.size())).Fixed<uint32_t>() != Checksum32(body))
    return Malformed("wrong checksum");
  return body;
}

}  // namespace

bool IsDayIndex(std::string_view blob) {
  return !blob.empty() && static_cast<uint8_t>(blob.front()) == kIndexVersion;
}

void DayPartBuilder::Reset() {
  segments_ = 0;
  present_ = 0;
  index_.clear();
  for (std::string& part : parts_) part.clear();
}

Status DayPartBuilder::Add(std::string_view segment) {
  TOCSIN_RETURN_IF_ERROR(reader_.Open(segment));
  ++segments_;
  present_ |= reader_.present();
  PutString(index_, reader_.tables());
  std::string columns;
  for (unsigned k = 0; k < kDayParts; ++k) {
    columns.clear();
    reader_.AppendColumns(k * kDaySlots, kDaySlots, columns);
    PutString(parts_[k], columns);
  }
  return OkStatus();
}

void DayPartBuilder::FinishIndex(std::string& out) const {
  TOCSIN_CHECK(!empty(), "a day has segments");
  const size_t begin = out.size();
  out.push_back(static_cast<char>(kIndexVersion));
  PutVarint(out, segments_);
  out += index_;
  PutFixed(out, Checksum32(std::string_view(out).substr(begin)));
}

void DayPartBuilder::FinishPart(unsigned k, std::string& out) const {
  const size_t begin = out.size();
  out.push_back(static_cast<char>(kPartVersion));
  out.push_back(static_cast<char>(k));
  out += parts_[k];
  PutFixed(out, Checksum32(std::string_view(out).substr(begin)));
}

Status DayPartReader::OpenIndex(std::string_view blob) {
  count_ = 0;
  TOCSIN_ASSIGN(const std::string_view body, Checked(blob));
  ByteReader in(body);
  const auto version = in.Fixed<uint8_t>();
  if (in.ok() && version != kIndexVersion)
    return Error(ErrorCode::kUnsupported, "day of version " + std::to_string(version));
  const uint64_t segments = in.Varint();
  if (!in.ok() || segments == 0 || segments > kMaxSegments || segments > in.remaining())
    return Malformed("segments");
  for (uint64_t i = 0; i < segments; ++i) {
    const std::string_view tables = in.String();
    if (!in.ok()) return Malformed("length");
    if (readers_.size() <= i) readers_.push_back(std::make_unique<OpenedSegment>());
    TOCSIN_RETURN_IF_ERROR(readers_[i]->OpenTables(tables));
  }
  if (!in.done()) return Malformed("length");
  count_ = segments;
  return OkStatus();
}

Status DayPartReader::OpenPart(unsigned k, std::string_view blob) {
  TOCSIN_ASSIGN(const std::string_view body, Checked(blob));
  ByteReader in(body);
  const auto version = in.Fixed<uint8_t>();
  if (in.ok() && version != kPartVersion)
    return Error(ErrorCode::kUnsupported, "day part of version " + std::to_string(version));
  if (in.Fixed<uint8_t>() != k || !in.ok()) return Malformed("part");
  for (size_t i = 0; i < count_; ++i) {
    const std::string_view columns = in.String();
    if (!in.ok()) return Malformed("length");
    TOCSIN_RETURN_IF_ERROR(readers_[i]->Attach(k * kDaySlots, kDaySlots, columns));
  }
  return in.done() ? OkStatus() : Malformed("length");
}

}  // namespace tocsin::storage
